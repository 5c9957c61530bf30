"""The operators that a file may call: their signatures. `OPERATORS` is the visible table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphdsl.ops.signature import Operator
from graphdsl.ops.signatures.choosing import CHOOSING_OPERATORS
from graphdsl.ops.signatures.code import CODE_OPERATORS
from graphdsl.ops.signatures.judging import JUDGING_OPERATORS
from graphdsl.ops.signatures.lists import LISTS_OPERATORS
from graphdsl.ops.signatures.memory import MEMORY_OPERATORS
from graphdsl.ops.signatures.sampling import SAMPLING_OPERATORS
from graphdsl.ops.signatures.scoring import SCORING_OPERATORS
from graphdsl.ops.signatures.texts import TEXTS_OPERATORS
from graphdsl.ops.signatures.trees import TREES_OPERATORS
from graphdsl.ops.signatures.words import METHODS, WORDS

__all__ = ["ANY_WORD", "FAMILIES", "METHODS", "OPERATORS", "WORDS"]

FAMILIES: Final[Mapping[str, tuple[Operator, ...]]] = {
    "sampling": SAMPLING_OPERATORS,
    "choosing": CHOOSING_OPERATORS,
    "judging": JUDGING_OPERATORS,
    "scoring": SCORING_OPERATORS,
    "searching": TREES_OPERATORS,
    "memory": MEMORY_OPERATORS,
    "code": CODE_OPERATORS,
    "lists": LISTS_OPERATORS,
    "texts": TEXTS_OPERATORS,
}
"""The operators by what they are for, as `graphdsl ops` lists them."""

OPERATORS: Final[Mapping[str, Operator]] = {
    operator.name: operator for family in FAMILIES.values() for operator in family
}
"""Every operator by name."""

ANY_WORD: Final = frozenset(
    word for operator in OPERATORS.values() for param in operator.params for word in param.words
)
"""Every word that some parameter takes: what a `Scorer` parameter of a flow may stand for."""

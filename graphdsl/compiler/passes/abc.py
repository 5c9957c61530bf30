"""What a pass is."""

from __future__ import annotations

from typing import ClassVar, Protocol

from graphdsl.ir.nodes import Graph
from graphdsl.ir.subject import Stage


class Pass(Protocol):
    """A rewriting of valid IR into valid IR with the same answers: a frozen dataclass.

    Fields are the options of the pass. `name` is its name in `--print-between-passes`; `stage`
    is the stage of the specification that a closed graph meets after it.
    """

    name: ClassVar[str]
    stage: ClassVar[Stage]

    def __call__(self, graph: Graph) -> Graph:
        """The rewritten graph; the same object where there is nothing to do."""
        ...

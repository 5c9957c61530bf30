"""Types are read back from the text that they print."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphdsl.ir.type_text import parse_type
from graphdsl.ir.types import VALUE_TYPES, ListOf, OptionalOf, RecordOf, Type


def _nested(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    fields = st.lists(st.tuples(st.sampled_from(["a", "b_1", "List"]), inner), max_size=3)
    return st.one_of(
        inner.map(ListOf),
        inner.map(OptionalOf),
        fields.map(lambda found: RecordOf(tuple(found))),
    )


TYPES: st.SearchStrategy[Type] = st.recursive(st.sampled_from(VALUE_TYPES), _nested, max_leaves=8)


@given(TYPES)
def test_what_a_type_prints_is_that_type(kind: Type) -> None:
    assert parse_type(str(kind)) == kind


@pytest.mark.parametrize(
    "text", ["", "?", "List", "List[]", "List[Text", "Text]", "{ a }", "{ a: Text", "{ a: Text b }"]
)
def test_other_texts_are_no_types(text: str) -> None:
    with pytest.raises(ValueError, match=r"`.+`"):
        parse_type(text)

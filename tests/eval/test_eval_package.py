"""The package as a whole: its names, and what importing it costs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import graphdsl.eval


def _loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; import json, sys; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(done.stdout))


def test_all_lists_exactly_what_can_be_used() -> None:
    assert len(set(graphdsl.eval.__all__)) == len(graphdsl.eval.__all__)
    for name in graphdsl.eval.__all__:
        assert getattr(graphdsl.eval, name) is not None
    assert dir(graphdsl.eval) == sorted(graphdsl.eval.__all__)


def test_every_public_name_says_what_it_means() -> None:
    for name in graphdsl.eval.__all__:
        found = getattr(graphdsl.eval, name)
        assert not callable(found) or found.__doc__, name


def test_a_name_is_the_function_also_where_its_module_came_first() -> None:
    code = "import graphdsl.eval.arise, graphdsl.eval as e; e.arise([(1, 2)]); e.wilson(1, 2)"
    assert "graphdsl.eval.arise" in _loaded(code)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = graphdsl.eval.nothing


def test_importing_it_loads_nothing_heavy_and_no_engine() -> None:
    every = "import graphdsl.eval as e; [getattr(e, name) for name in e.__all__]"
    loaded = _loaded(every)
    assert loaded.isdisjoint({"numpy", "scipy", "sympy", "math_verify", "lark", "pydantic"})
    assert not [name for name in loaded if name.startswith(("graphdsl.exec", "graphdsl.comp"))]
    assert "graphdsl.ops.extract" not in _loaded("import graphdsl.eval")

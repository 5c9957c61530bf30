"""docs/json.md says what the schemas say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from graphdsl.cli.root import COMMANDS
from graphdsl.cli.schemas import REPORTS

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("generate_json", DOCS / "generate_json.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(generator: ModuleType) -> None:
    assert (DOCS / "json.md").read_text(encoding="utf-8") == generator.page(), "run `make docs`"


def test_every_command_has_a_documented_schema() -> None:
    assert set(REPORTS) == set(COMMANDS)

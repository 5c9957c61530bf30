"""What docs/scheduling.md shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from graphdsl.compiler.check import check
from graphdsl.diagnostics import Source
from graphdsl.executors import device, llama_stems, share, waiting

PAGE = (Path(__file__).parent.parent / "docs" / "scheduling.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", blocks("tts"))
def test_models_are_declared_as_the_language_has_them(text: str) -> None:
    use = 'flow main() -> Text {\n  return "x"\n}\n'
    checked = check(Source("page.tts", f'edition "2026"\n{text}{use}'))
    assert [found for found in checked.diagnostics if found.severity == "error"] == []


@pytest.mark.parametrize("text", blocks("python"))
def test_python_runs(text: str) -> None:
    exec(compile(text, "scheduling.md", "exec"), {})


def test_the_figures_are_those_of_the_code() -> None:
    assert share.QUANTUM == 65_536
    assert waiting.PATIENCE == 16
    assert (device.CALLS, device.SECONDS) == (512, 60)
    assert (llama_stems.LEAST, llama_stems.ROOM) == (512, 256 << 20)

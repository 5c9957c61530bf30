"""Pictures of a study by matplotlib."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from graphdsl.errors import ExtraMissing, InputError
from graphdsl.search.plots import save_plot
from tests.search.report.studies import study

BEGINS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.mark.parametrize("ending", BEGINS)
def test_every_format_is_written(tmp_path: Path, ending: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"front{ending}"
    save_plot(study(20), path)
    assert path.read_bytes().startswith(BEGINS[ending])


def test_the_same_study_gives_the_same_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    first, second = tmp_path / "1.svg", tmp_path / "2.svg"
    save_plot(study(20), first)
    save_plot(study(20), second)
    assert first.read_bytes() == second.read_bytes()


def test_a_picture_has_a_panel_per_cost_and_one_of_convergence(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from graphdsl.search.plots import plot

    panels = plot(study(30)).axes
    labels = [panel.get_xlabel() for panel in panels]
    assert labels == ["US dollars of one run", "calls of one run", "share of the budget used"]
    assert panels[0].get_xscale() == "log"


def test_a_name_that_says_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="says no kind of picture"):
        save_plot(study(5), tmp_path / "front.gif")


def test_an_empty_study_cannot_be_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    empty = study(3)
    empty = replace(empty, result=replace(empty.result, trials=()), certificate=None)
    with pytest.raises(InputError, match="nothing to plot"):
        save_plot(empty, tmp_path / "front.png")


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ExtraMissing, match=r"a plot needs `matplotlib`: .*\[plots\]"):
        save_plot(study(5), tmp_path / "front.png")

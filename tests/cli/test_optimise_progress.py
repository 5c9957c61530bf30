"""What somebody sees while a search runs."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import pytest
from rich.console import Console

from graphdsl.cli import optimise_progress
from graphdsl.cli.optimise_progress import (
    FrontRow,
    Lines,
    SearchProgress,
    View,
    sparkline,
    watched_search,
)

NOW = SearchProgress(
    "search", 12, 32, 128, 0.61,
    (FrontRow("trial 3", 0.61, 64, {"calls": 5.0, "usd": 0.002}), FrontRow("single", 0.5, 128)),
    {"calls": 500.0, "usd": 1.5},
    {"calls": 2000.0},
    racing=8,
)  # fmt: skip


def drawn(view: View) -> str:
    out = io.StringIO()
    Console(file=out, width=100, color_system=None).print(view.rendered())
    return out.getvalue()


def test_the_view_shows_race_front_and_spending() -> None:
    view = View()
    view.add(NOW, 0.0)
    said = drawn(view)
    assert (
        "search · 12 candidates · 8 racing · front on 32 of 128 items · best 61.0 % (biased)"
        in said
    )
    assert "calls 500 of 2,000 · $1.50" in said
    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert "front quality items calls US dollars" in rows
    assert "trial 3 61.0 % 64 5 $0.0020" in rows
    assert "single 50.0 % 128 — —" in rows


def test_before_the_first_event_it_says_that_it_begins() -> None:
    assert drawn(View()) == "the search begins\n"


def test_time_left_is_by_the_speed_of_the_last_minute() -> None:
    view = View()
    assert view.left is None
    view.add(replace(NOW, spent={"calls": 0.0}), 0.0)
    assert view.left is None
    view.add(replace(NOW, spent={"calls": 200.0}), 100.0)
    assert view.left == pytest.approx(900)
    view.add(replace(NOW, spent={"calls": 400.0}), 110.0)
    view.add(replace(NOW, spent={"calls": 1000.0}), 150.0)
    assert view.left == pytest.approx(0.5 / (0.4 / 50))
    assert "about 1 min 2 s left at this speed" in drawn(view)


def test_a_search_that_spends_nothing_has_no_time_left_to_show() -> None:
    view = View()
    view.add(replace(NOW, budget={}), 0.0)
    view.add(replace(NOW, budget={}), 10.0)
    assert view.left is None


def test_the_unit_of_which_least_is_left_counts() -> None:
    both = replace(NOW, budget={"calls": 2000.0, "usd": 2.0, "tokens": 10.0})
    assert both.used == 0.75
    assert replace(NOW, spent={"calls": 9e9}).used == 1.0
    assert replace(NOW, budget={"calls": 0.0}).used == 0.0


def test_a_best_that_is_not_known_yet_is_not_shown() -> None:
    view = View()
    view.add(replace(NOW, best=math.nan, front=()), 0.0)
    assert "best" not in drawn(view)


def test_a_long_front_is_cut() -> None:
    view = View()
    view.add(replace(NOW, front=tuple(FrontRow(f"t{n}", n / 20, 8) for n in range(12))), 0.0)
    said = drawn(view)
    assert "t11" in said
    assert "t3 " not in said
    assert "and 4 more" in said


def test_names_cannot_drive_the_terminal() -> None:
    view = View()
    view.add(replace(NOW, front=(FrontRow("\x1b[2Jx", 0.5, 8),)), 0.0)
    assert "\x1b" not in drawn(view)


def test_a_sparkline_is_as_wide_as_it_may_be() -> None:
    assert len(sparkline([float(n) for n in range(1000)])) == 40
    assert sparkline([float(n) for n in range(1000)])[-1] == "█"


def test_where_nobody_watches_there_is_a_line_per_phase_and_tenth() -> None:
    said: list[str] = []
    lines = Lines(said.append)
    for spent in (0.0, 10.0, 190.0, 200.0, 390.0, 1000.0, 1010.0):
        lines.add(replace(NOW, spent={"calls": spent}))
    lines.add(replace(NOW, phase="certificate", spent={"calls": 1020.0}))
    lines.add(replace(NOW, phase="certificate", spent={"calls": 1030.0}))
    assert [line.partition("calls ")[2].partition(" of")[0] for line in said] == [
        "0", "200", "1,000", "1,020",
    ]  # fmt: skip
    assert said[-1].startswith("certificate · 12 candidates")


def test_without_a_terminal_lines_go_to_stderr(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimise_progress, "wants_progress", lambda: False)
    with watched_search() as watch:
        watch(NOW)
    with watched_search(quiet=True) as watch:
        watch(NOW)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("12 candidates") == 1

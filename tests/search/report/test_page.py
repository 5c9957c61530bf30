"""The page of a study: that it loads nothing, says all, and nothing in it gets out of hand."""

from __future__ import annotations

import json
import math
import re
from base64 import b64decode, b64encode
from dataclasses import replace
from functools import cache
from hashlib import sha256
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from graphdsl.search.report.page import to_page
from graphdsl.search.report.study_file import FinishedStudy, finished, read_study
from graphdsl.search.report.trials_table import MOST_PINS
from tests.search.report.studies import as_file, result, study
from tests.traces import HOSTILE


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.said: list[str] = []
        self._silent = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._silent = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.said).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@cache
def page(trials: int) -> str:
    """The page of a study of so many trials."""
    return to_page(study(trials))


def headings(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r"<h2>(.*?)</h2>", html)]


def test_a_page_has_every_part() -> None:
    assert headings(page(40)) == [
        "Certificate",
        "Quality against cost",
        "Convergence",
        "Which parameters matter",
        "What each node adds",
        "Costs",
        "The best graphs",
        "What the strategy believed in the end",
        "All 40 trials",
        "Reproducing it",
        "Remarks",
    ]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    html = page(40)
    found = Elements(html)
    referring = {"src", "href", "srcset", "data", "action", "poster", "style", "background"}
    outside = [
        (tag, name, value)
        for tag, attributes in found.tags
        for name, value in attributes.items()
        if name in referring and not (value or "").startswith("data:image/svg+xml;base64,")
    ]
    assert outside == []
    assert not re.search(r"@import|url\(", html)
    pictures = [b64decode((image["src"] or "").partition(",")[2]) for image in found.all("img")]
    assert len(pictures) == 4
    assert not any(b"href" in picture or b"<script" in picture for picture in pictures)


def test_only_the_pages_own_script_and_style_may_run() -> None:
    html = page(40)
    (policy,) = [m["content"] for m in Elements(html).all("meta") if m.get("http-equiv")]
    assert policy is not None
    for tag in ("script", "style"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert inside is not None
        digest = b64encode(sha256(inside[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "img-src data:" in policy


def test_the_result_is_certified_and_the_search_is_called_biased() -> None:
    html = page(40)
    said = re.search(r'<p class="verdict">(.*?)</p>', html)
    assert said is not None
    assert "items that no step of the search had seen" in said[1]
    assert "Means of the search are biased" in Elements(html).text


def hostile() -> FinishedStudy:
    """Every text of a study is markup of somebody who means harm."""
    mean = result(12)
    trials = tuple(
        replace(one, baseline=HOSTILE, assignment={**one.assignment, f"f.{HOSTILE}": HOSTILE})
        for one in mean.trials
    )
    certificate: dict[str, Any] = {**(mean.certificate or {}), "freeze": HOSTILE, f"x{HOSTILE}": 1}
    rows: list[dict[str, Any]] = certificate["finalists"]
    certificate["finalists"] = [
        {**row, "differences": [{**one, "baseline": HOSTILE} for one in row["differences"]]}
        for row in rows
    ]
    certificate |= {"complete": False, "stopped": HOSTILE}
    return read_study(
        as_file(
            replace(
                mean,
                name=HOSTILE,
                flow=HOSTILE,
                strategy=HOSTILE,
                ending=HOSTILE,
                trials=trials,
                certificate=certificate,
                spent={HOSTILE: 1.0, f"{HOSTILE}.{HOSTILE}": 2.0},
                items={HOSTILE: 1},
                facts={HOSTILE: HOSTILE, "command": HOSTILE},
                distribution={HOSTILE: {HOSTILE: 0.5}},
                remarks=(HOSTILE,),
                minimise=(HOSTILE, "usd"),
            ),
            ablation=[{"node": HOSTILE, "change": HOSTILE, "difference": 0, "low": 0, "high": 0}],
        )
    )


def test_what_strangers_wrote_is_text() -> None:
    html = to_page(hostile())
    found = Elements(html)
    assert len(found.all("script")) == 1
    assert all((image["src"] or "").startswith("data:image/svg") for image in found.all("img"))
    assert [name for _, attrs in found.tags for name in attrs if name.startswith("on")] == []
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_pins_of_the_page_are_json_that_a_run_takes() -> None:
    mine = study(20)
    found = re.findall(r'<td class="pins">(.*?)</td>', to_page(mine))
    assert len(found) == 20
    pins: list[dict[str, Any]] = [json.loads(unescape(one)) for one in found]
    wanted = [one.assignment for one in mine.result.trials]
    assert sorted(map(str, pins)) == sorted(str(_whole(one)) for one in wanted)


def _whole(assignment: dict[str, str | float]) -> dict[str, str | float]:
    return {
        key: value
        if isinstance(value, str)
        else int(value)
        if value == int(value)
        else round(value, 12)
        for key, value in assignment.items()
    }


def test_a_page_of_two_thousand_trials_is_below_two_megabytes() -> None:
    mine = result(2000)
    wide = {f"reason.a_parameter_with_a_long_name_{n}": "a long label" for n in range(20)}
    trials = tuple(replace(one, assignment={**one.assignment, **wide}) for one in mine.trials)
    html = to_page(finished(replace(mine, trials=trials)))
    assert len(html.encode()) < 2_000_000
    assert html.count("<tr id=") == 2000
    pins = re.findall(r'<td class="pins">(.*?)</td>', html)
    assert 500_000 < sum(map(len, pins)) < MOST_PINS + 10_000
    assert pins[0].startswith("{")
    assert pins[-1] == "—"


def test_a_study_without_a_certificate_says_that_it_has_none() -> None:
    html = to_page(study(20, certified=False))
    assert "not certified" in html
    assert "Nothing is certified, so nothing can be claimed" in html
    assert "Numbers of the search part of the data are chosen to be high" in html


def test_an_empty_study_has_a_page_that_says_so() -> None:
    empty = replace(
        result(3),
        trials=(),
        front=(),
        certificate=None,
        spent={},
        saved={},
        budget={},
        distribution={},
        remarks=(),
        facts={},
        items={},
    )
    html = to_page(finished(empty))
    assert "Nothing was tried, so there is nothing to report." in html
    assert headings(html) == ["Certificate", "Costs", "Reproducing it"]


def test_a_study_in_which_nothing_ran_has_a_page() -> None:
    mine = result(6, certified=False)
    none = tuple(
        replace(one, quality=math.nan, shrunken=math.nan, items=0, costs={}, standing="refused")
        for one in mine.trials
    )
    html = to_page(finished(replace(mine, trials=none, front=())))
    assert "no candidate was measured" in html
    assert html.count("No candidate is known to have taken") == 2
    assert "nan" not in Elements(html).text.lower().replace("finance", "")


@pytest.mark.parametrize("graph", ["", "nonsense"])
def test_without_a_graph_pins_are_shown_and_nothing_is_drawn(graph: str) -> None:
    html = to_page(read_study(as_file(result(20), graph=graph)))
    assert "<img" not in html
    assert html.count('<pre class="pins">') == 4
    assert "its space is not known" in html
    assert ("cannot be read" in html) == bool(graph)


def test_pins_that_the_graph_refuses_are_said_and_not_drawn() -> None:
    mine = result(12)
    wrong = tuple(replace(one, assignment={"reason.gone": "x"}) for one in mine.trials)
    html = to_page(read_study(as_file(replace(mine, trials=wrong))))
    assert "It cannot be drawn: " in html


def test_of_few_trials_no_importance_is_given() -> None:
    assert "Not said: 5 graphs were measured; it takes 10" in to_page(study(5))


def test_every_chart_says_what_it_shows_without_a_script() -> None:
    found = Elements(page(40))
    charts = [one for one in found.all("svg") if one.get("role") == "img"]
    assert [one["aria-label"] for one in charts] == [
        "quality against US dollars of one run, 40 candidates",
        "quality against calls of one run, 40 candidates",
        "the best quality over the budget used",
        "what each node adds to the quality",
    ]
    assert "certified, with its interval" in found.text


def test_the_same_study_gives_the_same_page() -> None:
    assert to_page(study(40)) == page(40)

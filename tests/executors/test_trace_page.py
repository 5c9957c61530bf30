"""The HTML page of a trace: that it loads nothing, and that nothing in it gets out of hand."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from graphdsl.executors.traces import page
from graphdsl.executors.traces.page import to_page
from graphdsl.executors.traces.page_gantt import call_tip
from tests.traces import HOSTILE, call, diamond, node, told, trace


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of the page outside scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.said.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_refers_to_nothing_outside_itself() -> None:
    found = Elements(to_page(diamond()))
    referring = {"src", "href", "srcset", "data", "action", "poster", "style", "background"}
    assert [tag for tag, attributes in found.tags if referring & attributes.keys()] == []
    assert not re.search(r"@import|url\(", to_page(diamond()))


def test_what_strangers_wrote_is_text() -> None:
    html = to_page(told())
    found = Elements(html)
    assert len(found.all("script")) == 1
    assert found.all("img") == []
    assert [name for _, attrs in found.tags for name in attrs if name.startswith("on")] == []
    assert "\x1b" not in html
    assert "\u202e" not in html
    shown = "".join(found.said)
    assert shown.count("</pre><script>alert(1)</script>[31m<img src=x onerror=alert(2)>") >= 4


def test_hostile_names_stay_inside_their_attributes() -> None:
    mean = '" onload="alert(1)'
    one = node(f"x{mean}", 0, 1, op=f"op{mean}", status=f"ok{mean}", calls=[call(0, 1, mean)])
    found = Elements(to_page(trace(one, file=mean, models={mean: mean})))
    assert [name for _, attrs in found.tags for name in attrs if name.startswith("on")] == []


def test_only_the_pages_own_script_and_style_may_run() -> None:
    html = to_page(told())
    (policy,) = [m["content"] for m in Elements(html).all("meta") if m.get("http-equiv")]
    assert policy is not None
    for tag in ("script", "style"):
        inside = re.search(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        assert inside is not None
        digest = b64encode(sha256(inside[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_every_node_and_call_is_drawn_and_the_path_is_marked() -> None:
    found = Elements(to_page(diamond()))
    kinds = [str(rect.get("class") or "").split() for rect in found.all("rect")]
    assert sum("node" in kind for kind in kinds) == 4
    assert sum("path" in kind for kind in kinds) == 3
    assert sum("call" in kind for kind in kinds) == 4
    assert sum("kept" in kind for kind in kinds) == 1


def test_what_a_call_waited_is_drawn_light_before_it() -> None:
    found = Elements(to_page(trace(node("a", 0, 4, calls=[call(0, 4, wait=1.0)]))))
    drawn = {rect.get("class"): (rect["x"], rect["width"]) for rect in found.all("rect")}
    assert drawn["wait"] == ("0.0000%", "25.0000%")
    assert drawn["call"] == ("25.0000%", "75.0000%")
    assert "waited 1.000 s" in call_tip(call(0, 4, wait=1.0))
    assert "waited" not in call_tip(call(0, 4))


def test_bars_stand_where_their_nodes_ran() -> None:
    found = Elements(to_page(diamond()))
    (slow,) = [
        rect for rect in found.all("rect") if str(rect.get("data-tip")).startswith("slow = ")
    ]
    assert (slow["x"], slow["width"]) == ("25.0000%", "50.0000%")


def test_without_scripts_the_page_says_everything() -> None:
    html = re.sub(r"<script>.*?</script>", "", to_page(told()), flags=re.DOTALL)
    shown = "".join(Elements(html).said)
    for text in ("drafts = generate", "critical path", "1.000 s", "Be careful.", "10 + 5 tokens"):
        assert text in shown


def test_a_long_run_shows_what_took_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "MOST_NODES", 3)
    monkeypatch.setattr(page, "MOST_CALLS", 2)
    inner = node("inner", 0, 5, calls=[call(0, 1), call(1, 1), call(2, 1)])
    nodes = [node(f"n{at}", 0, 0.1 * at) for at in range(5)]
    html = to_page(trace(node("outer", 0, 5, op="within", children=[inner]), *nodes))
    shown = "".join(Elements(html).said)
    assert "4 nodes are not shown" in shown
    assert "calls: 2 of 3" in shown
    assert "n4 = generate" in shown
    assert "n3 = generate" not in shown


def test_an_empty_run_has_a_page() -> None:
    shown = "".join(Elements(to_page(trace())).said)
    assert "No model was called." in shown


def test_a_call_from_the_cache_says_so() -> None:
    (cached,) = diamond().nodes[2].calls
    assert "from the cache" in call_tip(cached)
    assert "&lt;script" in call_tip(told().nodes[0].calls[1])
    assert HOSTILE not in call_tip(told().nodes[0].calls[1])

"""`graphdsl run … --budget usd=0.01` never reports more, unless a server does what it was not asked
for; then it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdsl.executors.simulated import SimulatedBackend
from graphdsl.plan import ModelSpec
from graphdsl.testing.faults import Altered, Body, Fault, Hang, Truncated, with_usage
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.testing.openai_replies import Json

Call = Callable[..., Any]

LIMIT: Final = 0.01

PROGRAM: Final = """edition "2026"
model paid {{ {model}  {options} }}
prompt ask(question: Text) {{ system "Be right." user "{{{{ question }}}}" }}
flow main(question: Text) -> Answer {{
  drafts = generate(ask(question: question), models: paid, samples: {samples})
  again = generate(question, models: paid, samples: 2, context: texts(drafts))
  return vote(concat(drafts, again), by: number)
}}
"""

RATES: Final = st.sampled_from([0, 0.001, 0.15, 1, 2.5, 15, 400, 75_000])
"""US dollars per million tokens: free, what models cost, and what none does."""


@st.composite
def blocks(draw: st.DrawFn) -> str:
    """The options of a model block that decide what a call costs."""
    options = [
        f"usd_per_mtok_in = {draw(RATES)}",
        f"usd_per_mtok_out = {draw(RATES)}",
        f"usd_per_mtok_cached = {draw(RATES)}" if draw(st.booleans()) else "",
        f"usd_per_call = {draw(st.sampled_from([0, 0.0001, 0.004]))}",
        draw(st.sampled_from(["", "usd_per_hour = 3"])),
        f"max_tokens = {draw(st.integers(1, 3000))}" if draw(st.booleans()) else "",
        f"tokens = {draw(st.integers(1, 2000))}",
        draw(st.sampled_from(["", "failures = 0.4", "latency = 0.001  slots = 2"])),
        draw(st.sampled_from(["", 'lacks = ["cancellation"]', "truncations = 0.5"])),
    ]
    return "  ".join(options)


@given(
    options=blocks(),
    samples=st.integers(1, 6),
    question=st.text(max_size=40).map(lambda text: f"What is 1 + 1? {text * 50}"),
)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_a_run_never_reports_more_than_its_limit(
    call: Call, tmp_path: Path, options: str, samples: int, question: str
) -> None:
    text = PROGRAM.format(model="backend = simulated", options=options, samples=samples)
    path = tmp_path / "paid.tts"
    path.write_text(text, encoding="utf-8")
    given = tmp_path / "question.txt"
    given.write_text(question, encoding="utf-8", errors="replace")
    done = call(
        "run", path, "main", "-i", f"question=@{given}", "--budget", f"usd={LIMIT}", "--json"
    )
    assert 0 <= done.json["usd"] <= LIMIT
    assert "over the budget" not in done.err
    statuses = {"ok": 0, "exhausted": 3, "failed": 4}
    assert done.code == statuses[done.json["status"]]


def more_text(reply: Json) -> Json:
    """A reply of 100 times its length, counted truly."""
    if "usage" in reply:
        reply["usage"]["completion_tokens"] *= 100
    return with_longer(reply)


def with_longer(reply: Json) -> Json:
    for choice in reply["choices"]:
        choice["message"]["content"] *= 100
    return reply


@pytest.mark.parametrize(
    ("fault", "over"),
    [
        (Altered(more_text), True),
        (with_usage({"prompt_tokens": 10, "completion_tokens": 10**7}), True),
        (with_usage({"prompt_tokens": 10**8, "completion_tokens": 1}), True),
        (with_usage({"prompt_tokens": -(10**8), "completion_tokens": -1}), False),
        (with_usage(None), False),
        (Truncated(), False),
        (Hang(), False),
        (Body("{}"), False),
    ],
    ids=["talks on", "counts replies", "counts prompts", "negative", "none", "cut", "hangs", "{}"],
)
async def test_only_a_server_that_does_what_it_was_not_asked_for_exceeds_it_and_that_is_said(
    call: Call, tmp_path: Path, fault: Fault, over: bool
) -> None:
    model = SimulatedBackend(ModelSpec(MODEL, "simulated", "", {"accuracy": 1}))
    async with FaultyServer(model) as server:
        server.always = fault
        path = tmp_path / "far.tts"
        prices = "usd_per_mtok_in = 1  usd_per_mtok_out = 8  max_tokens = 200  timeout = 0.3"
        block = f'backend = openai  name = "{MODEL}"  base_url = "{server.url}"  attempts = 2'
        path.write_text(PROGRAM.format(model=block, options=prices, samples=6), encoding="utf-8")
        command = ("run", path, "main", "-i", "question=1 + 1", "--budget", f"usd={LIMIT}")
        done = await asyncio.to_thread(call, *command, "--json")
        asked = len(server.asked)
        spoken = await asyncio.to_thread(call, *command)
    assert done.json["usage"]["calls"] <= asked
    if over:
        assert done.json["usd"] > LIMIT
        assert "over the budget: usd=0.01 by $" in spoken.err
        assert asked < 8 * 2  # it was not asked again
    else:
        assert done.json["usd"] <= LIMIT
        assert "over the budget" not in spoken.err

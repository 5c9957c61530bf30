"""What commands say about money: spent, limited, bounded before a run."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.cli.spending import money, overrun, spent
from graphdsl.plan import Budget
from graphdsl.testing.faults import Body
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.values import PICO, Usage

Call = Callable[..., Any]

PROGRAM = """edition "2026"

model paid {
  backend = simulated
  replies = ["Answer: 7", "Answer: 8"]
  max_tokens = 20
  usd_per_call = 0.01
  flops_per_token = 1_000
}
model lost { backend = litellm  name = "ollama/llama3.2"  max_tokens = 9 }
model free { backend = simulated  replies = ["Answer: 7"] }

flow main(question: Text) -> Answer {
  drafts = generate(question, models: paid, samples: 3)
  return vote(drafts, by: number)
}

flow cheap(question: Text) -> Answer {
  return vote(generate(question, models: free), by: number)
}

flow remote(question: Text) -> Draft {
  return vote(generate(question, models: lost))
}

test "adds" { flow = main  given = { question: "why" }  expect = answer == 7 }
"""


@pytest.fixture
def priced(tmp_path: Path) -> Path:
    """A file with a model that costs a cent per call, and one that is free."""
    path = tmp_path / "priced.tts"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_the_spent_line_shows_money_that_was_spent(call: Call, priced: Path) -> None:
    done = call("run", priced, "main", "-i", "question=why")
    assert done.code == 0
    assert " tokens · $0.03 · " in done.err


def test_a_run_that_costs_nothing_says_nothing_of_money(call: Call, priced: Path) -> None:
    done = call("run", priced, "cheap", "-i", "question=why", "--trace")
    assert done.code == 0
    assert "$" not in done.err + done.out
    assert "price" not in done.err + done.out


def test_a_budget_in_money_is_a_hard_limit(call: Call, priced: Path) -> None:
    done = call("run", priced, "main", "-i", "question=why", "--budget", "usd=0.025", "--json")
    assert done.code == 3
    assert done.json["exhausted"] == "usd(0.025)"
    assert done.json["usage"]["calls"] == 2
    assert done.json["usd"] == done.json["usage"]["usd"] == 0.02


def test_a_budget_in_operations_is_a_hard_limit(call: Call, priced: Path) -> None:
    done = call("run", priced, "main", "-i", "question=why", "--budget", "flops=1e3,calls=9")
    assert done.code == 3
    assert "flops(1000)" in done.err


@pytest.mark.parametrize("budget", ["usd=-1", "usd=x", "usd=inf", "flops=nan", "usd"])
def test_a_limit_that_is_no_amount_is_code_2(call: Call, priced: Path, budget: str) -> None:
    assert call("run", priced, "main", "-i", "question=why", "--budget", budget).code == 2


def test_json_of_runs_tests_and_data_has_the_whole_usage(
    call: Call, priced: Path, tmp_path: Path
) -> None:
    usage = call("run", priced, "main", "-i", "question=why", "--json").json["usage"]
    assert set(usage) == {
        "calls", "prompt_tokens", "cached_tokens", "completion_tokens", "unknown", "usd", "flops",
    }  # fmt: skip
    tokens = usage["prompt_tokens"] - usage["cached_tokens"] + usage["completion_tokens"]
    assert (usage["usd"], usage["flops"], usage["unknown"]) == (0.03, 1000 * tokens, 0)
    (case,) = call("test", priced, "--json").json["tests"]
    assert set(case["usage"]) == set(usage)
    data, out = tmp_path / "q.jsonl", tmp_path / "a.jsonl"
    data.write_text('{"question": "why"}\n{"question": "who"}\n')
    done = call("run", priced, "main", "--data", data, "--out", out, "--json")
    assert done.json["usage"]["usd"] == 0.06
    assert json.loads(out.read_text().splitlines()[0])["usd"] == 0.03
    assert "$0.06" in call("run", priced, "main", "--data", data, "--out", out).err


def test_a_trace_shows_what_each_node_cost(call: Call, priced: Path) -> None:
    call("run", priced, "main", "-i", "question=why")
    shown = call("trace").out
    title, node = (next(line for line in shown.splitlines() if word in line)
                   for word in ("run ", "= generate"))  # fmt: skip
    assert ", $0.03  run " in title
    assert "3 calls  " in node
    assert "$0.03" in node
    found = call("trace", "--json").json
    assert found["usage"]["usd"] == 0.03
    assert {one["usage"]["usd"] for one in found["nodes"][0]["calls"]} == {0.01}


def test_a_plan_bounds_money_for_prompts_of_an_assumed_length(call: Call, priced: Path) -> None:
    table = call("plan", priced, "main", "--cost").out
    assert "up to $0.03 " in table
    assert "prompts of at most 1,000 tokens" in table
    assert "one call of paid: up to $0.01 = $0.01 per call (the file)" in table
    longer = call("plan", priced, "main", "--cost", "--prompt-tokens", 5000).out
    assert "FLOPs = (5,000 + 20) × 1e+03" in longer


def test_a_plan_as_json_has_money_and_operations(call: Call, priced: Path) -> None:
    found = call("plan", priced, "main", "--json", "--prompt-tokens", 80).json
    assert (found["prompt_tokens"], found["usd"], found["flops"]) == (80, 0.03, 300_000)
    assert (found["nodes"][0]["usd"], found["nodes"][0]["flops"]) == (0.03, 300_000)
    assert found["prices"] == [
        {"model": "paid", "max_tokens": 20, "usd": 0.01, "flops": 100_000, "source": "the file"}
    ]
    unknown = call("plan", priced, "remote", "--json").json
    assert (unknown["usd"], unknown["nodes"][0]["usd"]) == (None, None)
    assert unknown["prices"][0]["source"] is None


@pytest.mark.parametrize(
    ("cost", "text"),
    [
        (None, ["price unknown"]),
        (0, []),
        (1, ["$0.000000000001"]),
        (12_345 * PICO // 10**7, ["$0.0013"]),
        (12_345 * PICO // 1000, ["$12.35"]),
        (1500 * PICO, ["$1500"]),
    ],
)
def test_money_is_shown_to_the_cent_or_to_two_digits(cost: int | None, text: list[str]) -> None:
    assert money(Usage(cost=cost)) == text


FAR = """edition "2026"
model far {{ backend = openai  name = "{model}"  base_url = "{url}" }}
flow main(question: Text) -> Draft {{
  return first(generate(question, models: far))
}}
"""
LONG = (
    '{"choices": [{"message": {"content": "a lot"}, "finish_reason": "stop"}],'
    ' "usage": {"prompt_tokens": 9, "completion_tokens": 700}}'
)


async def test_a_server_that_takes_more_than_it_may_is_told(call: Call, tmp_path: Path) -> None:
    path, data = tmp_path / "far.tts", tmp_path / "q.jsonl"
    data.write_text('{"question": "why"}\n')
    argv = ("run", path, "main", "--no-cache", "--budget", "completion_tokens=50")
    async with FaultyServer() as server:
        path.write_text(FAR.format(model=MODEL, url=server.url))
        within = await asyncio.to_thread(call, *argv, "-i", "question=Tell me.")
        server.always = Body(LONG)
        over = await asyncio.to_thread(call, *argv, "-i", "question=why")
        items = await asyncio.to_thread(call, *argv, "--data", data)
    assert "over the budget" not in within.err
    assert "over the budget: completion_tokens=50 by 650; a server gave longer replies" in over.err
    assert "1 of 1 item went over the budget; a server gave longer replies" in items.err


async def test_what_the_cache_had_is_told_and_what_it_saved(call: Call, tmp_path: Path) -> None:
    path, data, out = (tmp_path / name for name in ("far.tts", "q.jsonl", "out.jsonl"))
    data.write_text('{"question": "why"}\n{"question": "how"}\n')
    run = ("run", path, "main")
    async with FaultyServer() as server:
        prices = f'{server.url}"  usd_per_mtok_in = 1_000  usd_per_mtok_out = "1000'
        text = FAR.format(model=MODEL, url=prices).replace('"1000"', "1_000")
        path.write_text(text)
        first = await asyncio.to_thread(call, *run, "-i", "question=why")
        again = await asyncio.to_thread(call, *run, "-i", "question=why")
        items = await asyncio.to_thread(call, *run, "--data", data)
        report = await asyncio.to_thread(call, *run, "--data", data, "--out", out, "--json")
    assert "the cache" not in first.err
    assert " · 1 from the cache · saved $" in again.err
    assert " · 1 from the cache · saved $" in items.err
    assert report.json["saved"]["calls"] == 2
    assert report.json["saved"]["usd"] > 0


def test_calls_whose_end_nobody_saw_are_told() -> None:
    said = ["3 calls", "10 + 4 tokens", "2 calls may have been charged"]
    assert spent(Usage(3, 10, 0, 4, unknown=2)) == said


def test_a_budget_that_a_server_overran_says_by_how_much() -> None:
    usage = Usage(2, 30, 0, 82, cost=3 * PICO // 100, flops=500)
    limits = Budget(calls=2, tokens=100, completion_tokens=80, usd=0.025, flops=1e3)
    said = ["tokens=100 by 12", "completion_tokens=80 by 2", "usd=0.025 by $0.005"]
    assert overrun(usage, limits) == said
    assert overrun(usage, None) == []
    assert overrun(Usage(9, cost=None), Budget(usd=1)) == []

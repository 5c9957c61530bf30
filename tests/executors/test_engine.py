"""Running plans: order, determinism, failures, cancellation."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

import pytest

from graphdsl.errors import BackendError, InputError, ModelNotFound, OperatorError, PlanError
from graphdsl.executors.abc import Backend, ChatRequest, Completion
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.frame import STANDARD, Operators
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.trace import Trace
from graphdsl.ir.types import NUMBER, TEXT, ListOf, OptionalOf
from graphdsl.ops.context import Args, Context
from graphdsl.plan import ModelSpec, Program
from graphdsl.values import Answer, Draft, Finish, Value
from tests.plans import Fake, Graph, model, said, serving


def generating(samples: int = 1, **attrs: Any) -> Program:
    """A flow that gives the drafts of one `generate`."""
    graph = Graph(("question",))
    drafts = graph.step(
        "generate",
        {"models": (model(),), "samples": samples, **attrs},
        address="flow.drafts",
        prompt=graph.param("question"),
    )
    return graph.program(drafts)


def other_tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks() - {asyncio.current_task()}  # pyright: ignore[reportReturnType]


async def test_a_flow_of_pure_steps_gives_its_value() -> None:
    graph = Graph(("a",))
    both = graph.listed(graph.param("a"), graph.const("b"))
    program = graph.program(graph.step("join", {"separator": "-"}, texts=both))
    result = await execute(program, {"a": "x"}, backends=Backends())
    assert (result.value, result.status, result.usage.calls) == ("x-b", "ok", 0)


async def test_a_chain_of_100_000_pure_steps_does_not_recurse() -> None:
    graph = Graph()
    slot = graph.const(0)
    for _ in range(100_000):
        slot = graph.step("more", address="n", of=slot)
    operators = Operators({"more": lambda args: args["of"] + 1}, {})
    result = await execute(
        graph.program(slot),
        {},
        backends=Backends(),
        options=RunOptions(trace=False, operators=operators),
    )
    assert result.value == 100_000


async def test_long_pure_stretches_let_other_tasks_run() -> None:
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    def slow(args: Mapping[str, Value]) -> Value:
        return args["of"] + sum(range(2_000))

    graph = Graph()
    slot = graph.const(0)
    for _ in range(5_000):
        slot = graph.step("slow", of=slot)
    counter = asyncio.create_task(count_turns())
    await asyncio.sleep(0)
    before = turns
    await execute(
        graph.program(slot),
        {},
        backends=Backends(),
        options=RunOptions(operators=Operators({"slow": slow}, {})),
    )
    counter.cancel()
    assert turns > before + 2


async def test_a_slow_branch_does_not_hold_back_others() -> None:
    """Two chains side by side: the quick one ends while the slow one waits at its first step."""
    order: list[str] = []
    quick_ended = asyncio.Event()

    async def stage(_context: Context, args: Mapping[str, Value]) -> Value:
        if args["name"] == "slow1":
            await quick_ended.wait()
        order.append(args["name"])
        if args["name"] == "quick3":
            quick_ended.set()
        return args["name"]

    graph = Graph()
    start = graph.const("x")
    ends: dict[str, int] = {}
    for chain in ("slow", "quick"):
        slot = start
        for number in (1, 2, 3):
            slot = graph.step("stage", {"name": f"{chain}{number}"}, of=slot)
        ends[chain] = slot
    program = graph.program(graph.listed(ends["slow"], ends["quick"]))
    operators = Operators(STANDARD.pure, {"stage": stage})
    result = await execute(
        program, {}, backends=Backends(), options=RunOptions(operators=operators)
    )
    assert order == ["quick1", "quick2", "quick3", "slow1", "slow2", "slow3"]
    assert result.value == ["slow3", "quick3"]


@pytest.mark.parametrize("attempt", range(3))
async def test_results_do_not_depend_on_latency(attempt: int) -> None:
    async def reply(request: ChatRequest) -> str:
        for _ in range(latencies.randrange(6)):
            await asyncio.sleep(0)
        return f"Answer: {request.seed}"

    def answer(request: ChatRequest) -> Any:
        return reply(request)

    latencies = random.Random(attempt)
    program = generating(20, temperature=(0.5, 1.0))
    result = await execute(
        program, {"question": "?"}, backends=serving(m=Fake(answer)), options=RunOptions(seed=7)
    )
    steady = await execute(
        program,
        {"question": "?"},
        backends=serving(m=Fake(lambda r: f"Answer: {r.seed}")),
        options=RunOptions(seed=7),
    )
    assert result.output == steady.output
    assert len({draft.seed for draft in result.output}) == 40


async def test_another_run_seed_gives_other_samples_and_more_samples_keep_the_first() -> None:
    async def seeds(samples: int, seed: int) -> list[int]:
        program = generating(samples)
        found = await execute(
            program, {"question": "?"}, backends=serving(m=Fake("x")), options=RunOptions(seed=seed)
        )
        return [draft.seed for draft in found.output]

    assert (await seeds(8, 1))[:3] == await seeds(3, 1)
    assert not set(await seeds(8, 1)) & set(await seeds(8, 2))


async def test_samples_are_drawn_at_the_same_time_within_the_slots() -> None:
    def reply(_request: ChatRequest) -> Any:
        async def later() -> Completion:
            await asyncio.sleep(0)
            return said("x")

        return later()

    fake = Fake(reply, slots=4)
    result = await execute(generating(20), {"question": "?"}, backends=serving(m=fake))
    assert fake.most == 4
    assert [draft.sample for draft in result.output] == list(range(20))


async def test_order_is_model_then_temperature_then_sample() -> None:
    fakes = {"m": Fake("m"), "n": Fake("n")}
    program = generating(2, models=(model("m"), model("n")), temperature=(0.5, 1.0))
    result = await execute(program, {"question": "?"}, backends=serving(**fakes))
    assert [(d.model, d.sample) for d in result.output] == [
        *[("m", 0), ("m", 1)] * 2,
        *[("n", 0), ("n", 1)] * 2,
    ]
    assert sorted(r.temperature for r in fakes["n"].asked) == [0.5, 0.5, 1.0, 1.0]


async def test_a_model_listed_twice_draws_different_samples() -> None:
    program = generating(2, models=(model("m"), model("m")))
    result = await execute(program, {"question": "?"}, backends=serving(m=Fake("x")))
    assert [draft.sample for draft in result.output] == [0, 1, 2, 3]
    assert len({draft.seed for draft in result.output}) == 4


async def test_temperature_0_draws_one_sample_and_says_so() -> None:
    result = await execute(
        generating(5, temperature=0), {"question": "?"}, backends=serving(m=Fake("x"))
    )
    assert len(result.output) == 1
    assert result.trace is not None
    assert "one sample" in result.trace.nodes[0].notes[0]


async def test_a_failed_sample_is_a_value() -> None:
    from graphdsl.errors import BackendError

    fake = Fake(lambda request: BackendError("busy") if (request.seed or 0) % 2 else "Answer: 7")
    result = await execute(generating(4), {"question": "?"}, backends=serving(m=fake))
    finishes = sorted(draft.finish for draft in result.output)
    assert finishes == [Finish.ERROR, Finish.ERROR, Finish.STOP, Finish.STOP]
    assert {draft.error for draft in result.output} == {None, "busy"}
    assert {draft.answer for draft in result.output} == {None, "7"}
    assert result.usage.calls == 4


async def test_a_model_that_cannot_be_opened_ends_the_run() -> None:
    async def opener(_spec: ModelSpec) -> Backend:
        raise ModelNotFound("no model `m`")

    with pytest.raises(ModelNotFound, match="no model `m`"):
        await execute(generating(3), {"question": "?"}, backends=Backends(opener))
    assert not other_tasks()


async def test_a_broken_operator_names_its_node_and_ends_everything() -> None:
    def waits(_request: ChatRequest) -> Any:
        return asyncio.sleep(3600, said("never"))

    def broken(_args: Mapping[str, Value]) -> Value:
        raise ZeroDivisionError("oops")

    async def after_start(_context: Context, _args: Mapping[str, Value]) -> Value:
        while not fake.running:
            await asyncio.sleep(0)
        return 1

    fake = Fake(waits)
    graph = Graph(("question",))
    drafts = graph.step("generate", {"models": (model(),)}, prompt=graph.param("question"))
    begun = graph.step("after_start")
    bad = graph.step("broken", address="flow.bad", of=begun)
    program = graph.program(graph.listed(drafts, bad))
    operators = Operators(
        {**STANDARD.pure, "broken": broken}, {**STANDARD.model, "after_start": after_start}
    )
    seen: list[Trace] = []
    with pytest.raises(OperatorError, match="ZeroDivisionError: oops") as raised:
        await execute(
            program,
            {"question": "?"},
            backends=serving(m=fake),
            options=RunOptions(operators=operators, observe=seen.append),
        )
    assert raised.value.address == "flow.bad"
    assert isinstance(raised.value.__cause__, ZeroDivisionError)
    assert fake.cancelled == 1
    assert not other_tasks()
    statuses = {record.op: record.status for record in seen[0].walk()}
    assert statuses["broken"] == "failed"
    assert statuses["generate"] == "cancelled"


async def test_cancelling_a_run_cancels_every_sample_and_leaves_nothing() -> None:
    def waits(_request: ChatRequest) -> Any:
        return asyncio.sleep(3600, said("never"))

    fake = Fake(waits, slots=10)
    run = asyncio.create_task(execute(generating(30), {"question": "?"}, backends=serving(m=fake)))
    while fake.running < 10:
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert (fake.cancelled, fake.running) == (10, 0)
    assert not other_tasks()


async def test_a_kernel_cancelled_from_outside_does_not_hang_the_run() -> None:
    async def cancels(_context: Context, _args: Mapping[str, Value]) -> Value:
        raise asyncio.CancelledError

    graph = Graph()
    program = graph.program(graph.step("cancels"))
    with pytest.raises(OperatorError, match="cancelled from outside"):
        await execute(
            program,
            {},
            backends=Backends(),
            options=RunOptions(operators=Operators({}, {"cancels": cancels})),
        )


async def test_runs_share_a_model_and_open_it_once() -> None:
    opened = 0

    async def opener(_spec: ModelSpec) -> Backend:
        nonlocal opened
        opened += 1
        await asyncio.sleep(0)
        return fake

    fake = Fake("Answer: 7")
    async with Backends(opener) as backends:
        runs = [execute(generating(2), {"question": "?"}, backends=backends) for _ in range(5)]
        await asyncio.gather(*runs)
    assert (opened, fake.closed, len(fake.asked)) == (1, 1, 10)


async def test_an_unknown_operator_is_a_plan_error() -> None:
    graph = Graph()
    with pytest.raises(PlanError, match="nothing is known to run `magic`"):
        await execute(graph.program(graph.step("magic")), {}, backends=Backends())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs `question: Text`"),
        ({"question": 3}, "`question` must be a `Text`, not the number 3"),
        ({"qestion": "?"}, "has no parameter `qestion`; did you mean `question`"),
        ({"question": "?", "zzz": "?"}, "its parameters: `question`"),
    ],
)
async def test_inputs_that_do_not_fit_are_refused(given: dict[str, Any], message: str) -> None:
    graph = Graph(("question", "n", "notes"))
    kinds = (TEXT, NUMBER, OptionalOf(ListOf(TEXT)))
    program = graph.program(graph.param("question"), kinds, defaults={"n": 3})
    with pytest.raises(InputError, match=message):
        await execute(program, given, backends=Backends())


async def test_inputs_become_values_and_defaults_fill_in() -> None:
    graph = Graph(("question", "n", "notes"))
    kinds = (TEXT, NUMBER, OptionalOf(ListOf(TEXT)))
    program = graph.program(graph.listed(*map(graph.param, graph.params)), kinds, defaults={"n": 3})
    result = await execute(program, {"question": "?", "notes": ["a"]}, backends=Backends())
    assert result.output == ("?", 3, ("a",))
    assert (await execute(program, {"question": "?"}, backends=Backends())).value == ["?", 3, None]


async def test_the_status_says_when_there_is_no_answer() -> None:
    async def status(value: Value) -> str:
        graph = Graph()
        return (await execute(graph.program(graph.const(value)), {}, backends=Backends())).status

    assert await status(Draft("x", finish=Finish.ERROR)) == "failed"
    assert await status(Answer("")) == "failed"
    assert await status(Answer("7")) == "ok"
    assert await status("") == "ok"


@pytest.mark.parametrize("op", ["texts", "count", "complete", "join"])
async def test_a_run_whose_calls_all_fail_has_failed_whatever_its_value_is(op: str) -> None:
    graph = Graph()
    attrs = {"models": (model(),), "samples": 2}
    drafts = graph.step("generate", attrs, prompt=graph.const("q"))
    texts = graph.step("texts", items=drafts)
    inputs: Any = {"texts": texts} if op == "join" else {"items": drafts, "drafts": drafts}
    program = graph.program(graph.step(op, **inputs))
    failed = await execute(program, {}, backends=serving(m=Fake(lambda _: BackendError("busy"))))
    assert failed.status == "failed"
    assert "busy" in str(failed.error)
    half = Fake(lambda request: BackendError("busy") if request.sample else said("x"))
    assert (await execute(program, {}, backends=serving(m=half))).status == "ok"


async def test_a_run_without_calls_cannot_fail_for_lack_of_them() -> None:
    graph = Graph()
    program = graph.program(graph.step("join", texts=graph.listed(graph.const("x"))))
    result = await execute(program, {}, backends=serving())
    assert (result.status, result.error) == ("ok", None)


async def test_tracing_off_gives_the_same_result_without_a_trace() -> None:
    program = generating(3)
    with_trace = await execute(
        program, {"question": "?"}, backends=serving(m=Fake("x")), options=RunOptions(seed=3)
    )
    without = await execute(
        program,
        {"question": "?"},
        backends=serving(m=Fake("x")),
        options=RunOptions(seed=3, trace=False),
    )
    assert without.trace is None
    assert without.output == with_trace.output
    assert without.usage == with_trace.usage


async def test_models_that_answer_at_once_let_other_tasks_of_the_loop_run() -> None:
    async def at_once(_context: Context, args: Args) -> Value:
        return (args["of"] or 0) + 1

    turns = 0

    async def counting() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    graph = Graph()
    slot = graph.const(0)
    for _ in range(400):
        slot = graph.step("at_once", of=slot)
    other = asyncio.ensure_future(counting())
    operators = Operators(STANDARD.pure, {"at_once": at_once})
    result = await execute(
        graph.program(slot), {}, backends=Backends(), options=RunOptions(operators=operators)
    )
    other.cancel()
    assert result.output == 400
    assert turns >= 20

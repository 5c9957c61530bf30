"""The `replay` backend: it keeps the promises of a backend, and never makes a sample up."""

from __future__ import annotations

import asyncio
import inspect
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import (
    BackendError,
    ModelCorrupt,
    ModelNotFound,
    NotRecorded,
    Unsupported,
)
from graphdsl.executors import replay
from graphdsl.executors.abc import (
    Backend,
    Capabilities,
    ChatRequest,
    Completion,
    Meter,
    ScoreRequest,
    TextRequest,
)
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.backends import open_backend
from graphdsl.executors.bank import open_writer
from graphdsl.executors.bank_line import from_line
from graphdsl.executors.bank_record import Recorded, recorded
from graphdsl.executors.recording import Recorder
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Finish, LogprobStats, Messages, Usage
from tests.plans import said

SIMULATED = ModelSpec("live", "simulated", "sim", {"latency": 0.03, "slots": 4, "context": 512})
INSTANT = ModelSpec(
    "live",
    "simulated",
    "sim",
    {"lacks": ("label_scores", "text_scores", "relevance_scores", "embeddings")},
)


def spec(folder: Path | None, bank: Any = "bank.jsonl", **options: Any) -> ModelSpec:
    where = None if folder is None else str(folder)
    return ModelSpec("m", "replay", "sim", {"bank": bank, **options}, where)


# ---- promises


class Recording(Backend):
    """A model whose completions are all recorded."""

    def __init__(self, inner: Backend, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    async def chat(self, request: ChatRequest) -> Completion:
        return self._noted(request, await self._inner.chat(request))

    async def complete(self, request: TextRequest) -> Completion:
        return self._noted(request, await self._inner.complete(request))

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _noted(self, request: ChatRequest | TextRequest, reply: Completion) -> Completion:
        self._recorder.note(INSTANT, request, reply, 0.0)
        return reply


class TestRecorded(BackendSuite):
    """Each test runs on a simulated model first, which is recorded, then on the recording."""

    name = "bank.jsonl"
    lasting = False

    @pytest.fixture
    async def backend(  # pyright: ignore[reportIncompatibleVariableOverride]
        self, request: pytest.FixtureRequest, tmp_path: Path
    ) -> AsyncIterator[Backend]:
        bank = tmp_path / self.name
        with Recorder.open(bank) as recorder:
            recorder.note(INSTANT, ChatRequest(Messages.user("the first")), said("x"), 0.0)
            await self.record(request.function, recorder)
        backend = await open_backend(spec(tmp_path, self.name))
        yield backend
        await backend.aclose()

    async def record(self, test: Callable[..., Awaitable[None]], recorder: Recorder) -> None:
        """Run the test on what is to be recorded; what it skips needs no recording."""
        live = Recording(await open_backend(INSTANT), recorder)
        wanted = inspect.signature(test).parameters
        given = {name: live for name in ("backend", "disposable") if name in wanted}
        if "kind" not in wanted:
            with suppress(pytest.skip.Exception):
                await test(**given)
        await live.aclose()


class TestRecordedInSqlite(TestRecorded):
    name = "bank.db"


# ---- which reply it is


REQUEST = ChatRequest(Messages.user("What is 2 + 3?"), temperature=0.8, seed=100, sample=0)


def reply(**changed: Any) -> Recorded:
    """What was recorded for `REQUEST`, with changes of the request, or of the record."""
    fields = {"text", "usage", "finish", "logprobs", "seconds", "item", "prompt", "dataset"}
    own = {name: value for name, value in changed.items() if name in fields}
    asked = {name: value for name, value in changed.items() if name not in fields}
    usual = Completion("5", Finish.STOP, Usage(1, 10, 0, 4))
    return replace(recorded("sim", replace(REQUEST, **asked), usual, 2.0), **own)


def about(item: str, sample: int = 0, **others: Any) -> Recorded:
    """A record that does not know its prompt, as banks of others have them."""
    parameters = {"temperature": 0.8}
    return Recorded("sim", f"{item}/{sample}", None, item, sample, parameters=parameters, **others)


def write(folder: Path, *records: Recorded, name: str = "bank.jsonl") -> None:
    writer = open_writer(folder / name)
    writer.add(records or [about("0")])
    writer.close()


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., Awaitable[Completion]]:
    """`ask(records, temperature=0.8)`: what a bank of these answers to `REQUEST` so changed."""

    async def asked(records: list[Recorded], **changed: Any) -> Completion:
        write(tmp_path, *records)
        backend = await open_backend(spec(tmp_path))
        try:
            return await backend.chat(replace(REQUEST, **changed))
        finally:
            await backend.aclose()

    return asked


Ask = Callable[..., Awaitable[Completion]]


async def test_a_reply_comes_with_its_tokens_and_its_end(ask: Ask) -> None:
    stats, usage = LogprobStats(4, -2.0, -1.0), Usage(1, 10, 3, 4)
    found = await ask([reply(usage=usage, finish=Finish.STOP_SEQ, logprobs=stats)], logprobs=True)
    assert (found.text, found.finish, found.usage) == ("5", Finish.STOP_SEQ, usage)
    assert found.logprobs == stats


async def test_what_was_paid_once_is_not_paid_again(ask: Ask) -> None:
    paid = replace(said("5"), usage=Usage(1, 10, 3, 4, cost=7_000_000))
    assert (await ask([recorded("sim", REQUEST, paid, 2.0)])).usage == Usage(1, 10, 3, 4)


async def test_the_same_seed_comes_before_the_same_index(ask: Ask) -> None:
    records = [reply(seed=7, text="index"), reply(seed=100, sample=3, text="seed")]
    assert (await ask(records)).text == "seed"


async def test_without_the_seed_the_index_decides(ask: Ask) -> None:
    records = [reply(seed=7, sample=1, text="one"), reply(seed=8, sample=0, text="zero")]
    assert (await ask(records)).text == "zero"
    assert (await ask(records, sample=1)).text == "one"


async def test_of_two_items_with_one_prompt_the_own_comes_first(ask: Ask) -> None:
    records = [reply(item="1", text="one"), reply(item="2", text="two")]
    assert (await ask(records, item="2")).text == "two"
    assert (await ask(records, item="3")).text == "one"


async def test_an_item_decides_only_where_the_prompt_is_unknown(ask: Ask) -> None:
    records = [about("0"), about("1"), reply(item="1", text="by prompt")]
    assert (await ask(records, item="0")).text == "by prompt"
    assert (await ask(records, item="1", messages=Messages.user("else"))).text == "1/0"


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": 0.7},
        {"top_p": 0.9},
        {"stop": ("\n",)},
        {"schema": {"type": "object"}},
        {"messages": Messages.user("What is 2 + 4?")},
        {"sample": 1, "seed": 101},
    ],
)
async def test_another_request_is_not_answered(ask: Ask, changed: dict[str, Any]) -> None:
    with pytest.raises(NotRecorded, match=r"`m`: `bank.jsonl` has no recording of"):
        await ask([reply()], **changed)


async def test_what_a_record_does_not_say_fits_every_request(ask: Ask) -> None:
    changes = {"max_tokens": 9, "top_p": 0.5, "stop": ("x",), "seed": 3}
    assert (await ask([about("4")], item="4", **changes)).text == "4/0"


async def test_a_chat_is_not_the_continuation_of_its_text(tmp_path: Path) -> None:
    request = TextRequest("Once upon", seed=1)
    write(tmp_path, recorded("sim", request, said(" a time"), 0.0))
    backend = await open_backend(spec(tmp_path))
    assert (await backend.complete(request)).text == " a time"
    with pytest.raises(NotRecorded):
        await backend.chat(ChatRequest(Messages.user("Once upon"), seed=1))
    await backend.aclose()


# ---- limits of tokens


LONG = Usage(1, 10, 0, 10)


async def test_a_reply_that_ended_by_itself_answers_under_any_limit(ask: Ask) -> None:
    records = [reply(max_tokens=50, usage=LONG, text="0123456789")]
    for limit in (None, 10, 49, 50, 900):
        found = await ask(records, max_tokens=limit)
        assert (found.text, found.finish) == ("0123456789", Finish.STOP)


async def test_a_reply_that_is_longer_than_allowed_is_cut_off(ask: Ask) -> None:
    records = [reply(usage=LONG, text="0123456789", logprobs=LogprobStats(10, -2.0, -1.0))]
    found = await ask(records, max_tokens=4, logprobs=True)
    assert (found.text, found.finish) == ("0123", Finish.LENGTH)
    assert found.usage == Usage(1, 10, 0, 4)
    assert found.logprobs is None


async def test_a_reply_that_was_cut_off_answers_up_to_there(ask: Ask) -> None:
    records = [reply(max_tokens=10, usage=LONG, finish=Finish.LENGTH)]
    assert (await ask(records, max_tokens=10)).text == "5"
    assert (await ask(records, max_tokens=5)).usage.completion_tokens == 5
    for limit in (11, None):
        with pytest.raises(NotRecorded, match="max_tokens 10"):
            await ask(records, max_tokens=limit)


async def test_the_same_limit_comes_before_another(ask: Ask) -> None:
    records = [reply(max_tokens=90, text="90"), reply(max_tokens=50, text="50")]
    assert (await ask(records, max_tokens=50)).text == "50"


# ---- what is missing


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"sample": 9, "seed": 9, "item": "4"},
            r"item `4` \(prompt `\w{8}…`\) by `sim`: sample 9, temperature 0.8, seed 9; "
            r"of these there are 8 samples \(number 0 to 7\); record it with "
            r"`graphdsl run … --record bank.jsonl`, or name a live model .* `otherwise = \[live\]`",
        ),
        (
            {"temperature": 0.0, "item": "4"},
            r"temperature 0, seed 100; it has 8 samples \(number 0 to 7\), with temperature 0.8;",
        ),
        ({"item": "5"}, "nothing by that model for this prompt or item; record"),
        ({"stop": ("a", "b"), "top_p": 0.5, "max_tokens": 7}, "max_tokens 7, top_p 0.5, stop `a`"),
        ({"item": None}, r"\(its replies go by items, and only a run of `--data`"),
    ],
)
async def test_a_gap_says_what_is_missing_what_there_is_and_what_to_do(
    ask: Ask, changed: dict[str, Any], said: str
) -> None:
    records = [about("4", number) for number in range(8)]
    with pytest.raises(NotRecorded, match=said) as caught:
        await ask(records, **changed)
    assert (caught.value.model, caught.value.retryable) == ("m", False)


@pytest.mark.parametrize("suffix", ["jsonl", "db"])
async def test_a_gap_speaks_of_items_only_where_the_model_s_replies_go_by_them(
    tmp_path: Path, suffix: str
) -> None:
    bank = tmp_path / f"bank.{suffix}"
    items = [replace(about("4", 0), model="other")]
    with closing(open_writer(bank)) as writer:
        writer.add([reply(), *items])
    for model, words in (("sim", "for this prompt; record it"), ("other", "go by items")):
        backend = await open_backend(ModelSpec("m", "replay", model, {"bank": str(bank)}))
        with pytest.raises(NotRecorded, match=words):
            await backend.chat(ChatRequest(Messages.user("something else")))
        await backend.aclose()


async def test_a_gap_lists_odd_samples_and_several_values(ask: Ask) -> None:
    records = [reply(sample=n, seed=n, temperature=n / 10) for n in (1, 2, 4)]
    with pytest.raises(NotRecorded, match=r"number 1, 2, 4\), with temperature 0.1 or 0.2 or 0.4"):
        await ask(records)
    with pytest.raises(NotRecorded, match=r"1 sample \(number 1\)"):
        await ask([reply(sample=1, seed=1, stop=("x",))], stop=("x",))


async def test_what_was_asked_before_makes_no_difference(tmp_path: Path) -> None:
    write(tmp_path, about("0"), about("0", 1), about("1"))
    one = replace(REQUEST, item="0")
    other = replace(one, messages=Messages.user("Improve this: 0/0"))
    for requests in ((one, other), (other, one)):
        backend = await open_backend(spec(tmp_path))
        for request in requests:
            assert (await backend.chat(request)).text == "0/0"
            assert (await backend.chat(replace(request, sample=1))).text == "0/1"
        await backend.aclose()


async def test_items_of_two_datasets_are_not_mixed_up(ask: Ask) -> None:
    records = [about("0", dataset="a"), about("0", 1, dataset="b")]
    with pytest.raises(NotRecorded, match=r"item `0` of several datasets \(a, b\)"):
        await ask(records, item="0")


# ---- time


async def test_time_passes_as_it_was_recorded_where_the_block_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(replay.asyncio, "sleep", sleep)
    write(tmp_path, reply(usage=LONG, seconds=8.0))
    for share in (0, 0.5, 1):
        backend = await open_backend(spec(tmp_path, latency=share))
        await backend.chat(REQUEST)
        await backend.chat(replace(REQUEST, max_tokens=5))
        await backend.aclose()
    assert waited == [4.0, 2.0, 8.0, 4.0]


async def test_a_call_that_is_cut_off_has_spent_its_share(tmp_path: Path) -> None:
    write(tmp_path, reply(usage=Usage(1, 10, 0, 10**6), seconds=1000.0))
    backend = await open_backend(spec(tmp_path, latency=1))
    meter = Meter()
    call = asyncio.ensure_future(backend.chat(replace(REQUEST, meter=meter)))
    await asyncio.sleep(0.02)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert meter.prompt_tokens == 10
    assert 0 < meter.completion_tokens < 10**6
    await backend.aclose()


async def test_closing_ends_the_calls_that_wait(tmp_path: Path) -> None:
    write(tmp_path, reply(seconds=1000.0))
    backend = await open_backend(spec(tmp_path, latency=1))
    call = asyncio.ensure_future(backend.chat(REQUEST))
    await asyncio.sleep(0.01)
    await backend.aclose()
    with pytest.raises(BackendError, match="`m` is closed"):
        await call


# ---- what it lacks


LACKING = {"lacks": ("seeds", "completions", "logprobs")}


async def test_what_the_block_lacks_it_does_not_have(tmp_path: Path) -> None:
    asked = TextRequest("Once upon", seed=1)
    write(tmp_path, recorded("sim", asked, said(" a time"), 0.0))
    backend = await open_backend(spec(tmp_path, **LACKING))
    able = backend.capabilities
    assert not any((able.seeds, able.completions, able.logprobs))
    assert able.metered
    assert able.prefix_continuation
    with pytest.raises(Unsupported) as caught:
        await backend.complete(asked)
    assert (caught.value.capability, caught.value.model) == ("completions", "m")
    with pytest.raises(Unsupported):
        await backend.score(ScoreRequest(Messages.user("x"), ("yes",)))
    await backend.aclose()


async def test_without_seeds_the_index_alone_decides(tmp_path: Path) -> None:
    records = [reply(seed=7, text="index"), reply(seed=100, sample=3, text="seed")]
    write(tmp_path, *records)
    for options, text in (({}, "seed"), (LACKING, "index")):
        backend = await open_backend(spec(tmp_path, **options))
        assert (await backend.chat(REQUEST)).text == text
        await backend.aclose()


async def test_without_logprobs_there_are_none(tmp_path: Path) -> None:
    write(tmp_path, reply(logprobs=LogprobStats(4, -2.0, -1.0)))
    backend = await open_backend(spec(tmp_path, **LACKING))
    assert (await backend.chat(replace(REQUEST, logprobs=True))).logprobs is None
    await backend.aclose()


# ---- opening


async def test_a_bank_may_be_named_by_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, reply())
    named = spec(None, EnvVar("SOME_BANK"))
    with pytest.raises(ModelNotFound, match="takes its `bank` from `SOME_BANK`, which is not set"):
        await open_backend(named)
    monkeypatch.setenv("SOME_BANK", str(tmp_path / "bank.jsonl"))
    backend = await open_backend(named)
    assert (await backend.chat(REQUEST)).text == "5"
    await backend.aclose()


@pytest.mark.parametrize(
    ("bank", "kind", "said"),
    [
        (None, ModelNotFound, "model `m` names no bank"),
        ("no.jsonl", ModelNotFound, "model `m`: there is no bank"),
        (".", ModelCorrupt, "model `m`: .* is a folder"),
        ("other.jsonl", ModelCorrupt, "model `m`: line 1 of .* is no recorded reply"),
    ],
)
async def test_what_cannot_be_opened_says_why(
    bank: str | None, kind: type[BackendError], said: str, tmp_path: Path
) -> None:
    (tmp_path / "other.jsonl").write_text('{"question": 1}\n')
    with pytest.raises(kind, match=said) as caught:
        await open_backend(spec(tmp_path, bank))
    assert caught.value.model == "m"


async def test_a_model_that_is_not_in_the_bank_is_not_found(tmp_path: Path) -> None:
    write(tmp_path, about("0"), replace(about("0"), model="another"))
    with pytest.raises(ModelNotFound, match="no reply of `sum`; did you mean `sim`"):
        await open_backend(replace(spec(tmp_path), model="sum"))
    with pytest.raises(ModelNotFound, match="no reply of `qwen`; it has `another`, `sim`"):
        await open_backend(replace(spec(tmp_path), model="qwen"))


@pytest.mark.parametrize("name", ["bank.jsonl", "bank.db"])
async def test_a_bank_that_is_being_filled_may_lack_everything_where_another_is_asked(
    name: str, tmp_path: Path
) -> None:
    topped = spec(tmp_path, name, otherwise=(INSTANT,))
    with pytest.raises(ModelNotFound, match="there is no bank"):
        await open_backend(topped)
    with Recorder.open(tmp_path / name) as recorder:
        with pytest.raises(ModelCorrupt, match="no recorded reply"):
            await open_backend(spec(tmp_path, name))
        backend = await open_backend(topped)
        with pytest.raises(NotRecorded, match="has no recording of"):
            await backend.chat(REQUEST)
        recorder.note(topped, REQUEST, said("5"), 0.0)
    assert (await backend.chat(REQUEST)).text == "5"
    await backend.aclose()


async def test_a_model_may_be_missing_only_while_the_bank_is_recorded_to(tmp_path: Path) -> None:
    write(tmp_path)
    missing = replace(spec(tmp_path, otherwise=(INSTANT,)), model="qwen")
    with (
        Recorder.open(tmp_path / "another.jsonl"),
        pytest.raises(ModelNotFound, match="no reply of `qwen`"),
    ):
        await open_backend(missing)
    with Recorder.open(tmp_path / "bank.jsonl"):
        await (await open_backend(missing)).aclose()
    with pytest.raises(ModelNotFound, match="no reply of `qwen`"):
        await open_backend(missing)


async def test_a_bank_that_is_spoilt_later_is_a_typed_error(tmp_path: Path) -> None:
    write(tmp_path, about("0"))
    backend = await open_backend(spec(tmp_path))
    with (tmp_path / "bank.jsonl").open("a") as file:
        file.write("no record\n")
    with pytest.raises(ModelCorrupt, match=r"line 2 of .* no recorded reply"):
        await backend.chat(replace(REQUEST, item="0"))
    await backend.aclose()


async def test_banks_of_one_name_in_two_folders_are_two_backends(tmp_path: Path) -> None:
    specs: list[ModelSpec] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, reply(text=name))
        specs.append(spec(tmp_path / name))
    async with Backends() as backends:
        lanes = [await backends.get(each) for each in specs]
        assert [(await lane.chat(REQUEST)).text for lane in lanes] == ["one", "two"]


async def test_many_records_are_found_by_their_place(tmp_path: Path) -> None:
    """Not a timed test: reading the file for every request would take hours."""
    line = {"model": "sim", "temperature": 0.8, "text": "x", "completion_tokens": 1}
    with (tmp_path / "bank.jsonl").open("w") as file:
        for item in range(2500):
            for sample in range(4):
                file.write(json.dumps({**line, "item": item, "sample": sample}) + "\n")
    backend = await open_backend(spec(tmp_path))
    for item in range(2500):
        await backend.chat(replace(REQUEST, item=str(item), sample=item % 4))
    await backend.aclose()


async def test_a_listener_hears_the_whole_text(tmp_path: Path) -> None:
    write(tmp_path, reply())
    heard: list[str] = []
    backend = await open_backend(spec(tmp_path))
    await backend.chat(replace(REQUEST, listener=heard.append))
    assert heard == ["5"]
    await backend.aclose()


def test_a_mean_stands_for_the_least_where_nothing_else_was_recorded() -> None:
    text = '{"model": "m", "item": 0, "text": "x", "completion_tokens": 4, "mean_logprob": -0.5}'
    stats = from_line(text).logprobs
    assert stats is not None
    assert math.isclose(stats.total, -2.0)
    assert stats.total <= stats.minimum <= stats.mean

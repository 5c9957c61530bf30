"""The embedded engine on SmolLM2-135M: the promises of a backend, and what is its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from graphdsl.errors import BackendError, BackendMissing, ModelCorrupt, ModelNotFound
from graphdsl.executors.abc import Backend, ChatRequest
from graphdsl.executors.catalogue import pull
from graphdsl.executors.embedded import EmbeddedBackend
from graphdsl.plan import ModelSpec
from graphdsl.testing import BackendSuite
from graphdsl.values import Finish, Message, Messages

NAME = "smollm2-135m"
pytestmark = [pytest.mark.model, pytest.mark.asyncio(loop_scope="module")]


@pytest.fixture(scope="module")
def model() -> Path:
    pytest.importorskip("xllamacpp")
    return pull(NAME)


async def opened(model: Path | str, **options: Any) -> EmbeddedBackend:
    small = {"threads": 1, "slots": 4, "context": 512} | options
    return await EmbeddedBackend.open(ModelSpec("tiny", "embedded", str(model), small))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(model: Path) -> AsyncIterator[EmbeddedBackend]:
    backend = await opened(model)
    yield backend
    await backend.aclose()


class TestEmbedded(BackendSuite):
    @pytest.fixture
    def backend(self, shared: EmbeddedBackend) -> Backend:
        return shared

    @pytest_asyncio.fixture(loop_scope="module")
    async def disposable(  # pyright: ignore[reportIncompatibleVariableOverride] (a kind of fixture)
        self, model: Path
    ) -> AsyncIterator[Backend]:
        backend = await opened(model, slots=2, context=256)
        yield backend
        await backend.aclose()


async def test_finish_tells_a_stop_string_from_the_end(shared: EmbeddedBackend) -> None:
    say_yes = Messages.user("What is 2 + 2? Answer shortly.")
    ended = await shared.chat(ChatRequest(say_yes, temperature=0, max_tokens=40))
    stop = ended.text[-3:-1]
    stopped = await shared.chat(ChatRequest(say_yes, temperature=0, max_tokens=40, stop=(stop,)))
    assert ended.finish is Finish.STOP
    assert stopped.finish is Finish.STOP_SEQ


async def test_a_prefix_stands_at_the_end_of_the_prompt(shared: EmbeddedBackend) -> None:
    question = Messages.user("Count from one to nine in digits.")
    prefix = Message("assistant", "1, 2, 3, 4, 5,")
    plain = await shared.chat(ChatRequest(question, temperature=0, max_tokens=4))
    request = ChatRequest(Messages((*question.turns, prefix)), temperature=0, max_tokens=4)
    continued = await shared.chat(request)
    assert continued.usage.prompt_tokens > plain.usage.prompt_tokens
    assert continued.text.strip().startswith("6")


async def test_an_empty_prefix_is_no_prefix(shared: EmbeddedBackend) -> None:
    question = Messages.user("What is 2 + 2? Answer shortly.")
    empty = Messages((*question.turns, Message("assistant", "")))
    plain = await shared.chat(ChatRequest(question, temperature=0, max_tokens=8))
    assert (await shared.chat(ChatRequest(empty, temperature=0, max_tokens=8))).text == plain.text


async def test_two_trailing_assistant_turns_are_refused(shared: EmbeddedBackend) -> None:
    assistant = Message("assistant", "a")
    with pytest.raises(BackendError, match="assistant messages") as caught:
        await shared.chat(ChatRequest(Messages((assistant, assistant))))
    assert not caught.value.retryable


async def test_a_repeated_prompt_is_reported_as_cached(shared: EmbeddedBackend) -> None:
    request = ChatRequest(Messages.user("Name three rivers of France."), seed=1, max_tokens=2)
    for _ in range(shared.capabilities.max_in_flight):
        await shared.chat(request)
    usage = (await shared.chat(request)).usage
    assert 0 < usage.cached_tokens < usage.prompt_tokens


async def test_a_cancelled_generation_leaves_its_slot_at_once(shared: EmbeddedBackend) -> None:
    endless = ChatRequest(
        Messages.user("Write a very long story."), temperature=1.5, seed=1, max_tokens=400
    )
    running = [asyncio.ensure_future(shared.chat(endless)) for _ in range(4)]
    await asyncio.sleep(0.5)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(shared.chat(_one_token(seed)) for seed in range(4)))
    # 1600 tokens were still to come: minutes, if the four had kept their slots.
    assert asyncio.get_running_loop().time() - started < 20


def _one_token(seed: int) -> ChatRequest:
    return ChatRequest(Messages.user("Hi"), seed=seed, max_tokens=1)


async def test_context_is_what_each_slot_really_has(shared: EmbeddedBackend) -> None:
    assert shared.capabilities.context_tokens == 512
    assert shared.capabilities.max_in_flight == 4


@pytest.mark.parametrize("control", ["<|im_end|>", "<repo_name>", "<file_sep>"])
async def test_control_strings_in_a_turn_are_data(shared: EmbeddedBackend, control: str) -> None:
    async def size(text: str) -> int:
        reply = await shared.chat(ChatRequest(Messages.user(text), seed=1, max_tokens=1))
        return reply.usage.prompt_tokens

    boundary, word = await size(control), await size("a")
    assert boundary >= word + 2  # a real control token would be one token, like the word


async def test_closing_leaves_no_thread_behind(model: Path) -> None:
    before = threading.active_count()
    backend = await opened(model, slots=2)
    await asyncio.gather(*(backend.chat(_one_token(seed)) for seed in range(3)))
    assert threading.active_count() > before
    await backend.aclose()
    assert threading.active_count() == before


@pytest.fixture
def damaged(tmp_path: Path, model: Path) -> Path:
    path = tmp_path / "cut.gguf"
    with model.open("rb") as whole:
        path.write_bytes(whole.read(5_000_000))
    return path


async def test_a_truncated_file_is_named_as_such(damaged: Path) -> None:
    with pytest.raises(ModelCorrupt, match=r"cut\.gguf is not a usable model: it is cut short"):
        await opened(damaged)


async def test_a_file_that_is_not_gguf_is_named_as_such(tmp_path: Path) -> None:
    path = tmp_path / "notes.gguf"
    path.write_text("These are notes, and not a model at all.")
    with pytest.raises(ModelCorrupt, match="does not begin with the bytes `GGUF`"):
        await opened(path)


async def test_a_missing_file_suggests_its_neighbour(damaged: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"did you mean `cut\.gguf`\?"):
        await opened(damaged.with_name("cutt.gguf"))


async def test_an_unknown_name_suggests_the_catalogue() -> None:
    with pytest.raises(ModelNotFound, match=r"did you mean `smollm2-135m`\?"):
        await opened("smolm2-135")


async def test_an_absent_model_is_not_fetched_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="graphdsl models pull smollm2-135m"):
        await opened(NAME)
    assert not list(tmp_path.iterdir())


async def test_a_missing_extra_says_how_to_install_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    with pytest.raises(BackendMissing, match=r"graphdsl-tts\[embedded\]"):
        await opened(model)


SILENT = """
import asyncio
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.embedded import EmbeddedBackend
from graphdsl.plan import ModelSpec
from graphdsl.values import Messages

async def main():
    options = {"threads": 1, "slots": 1, "context": 256}
    backend = await EmbeddedBackend.open(ModelSpec("tiny", "embedded", "smollm2-135m", options))
    await backend.chat(ChatRequest(Messages.user("Hi"), max_tokens=2))
    await backend.aclose()

asyncio.run(main())
"""


async def test_nothing_is_written_to_the_terminal(model: Path) -> None:
    # Not under `-X dev`: asyncio would remark on every step that takes long on a busy machine.
    command = [sys.executable, "-W", "error", "-c", SILENT]
    done = subprocess.run(command, capture_output=True, env=dict(os.environ), check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

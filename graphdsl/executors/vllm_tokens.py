"""Prompts as token ids, by the engine's own tokenizer and chat template."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from graphdsl.errors import BackendError
from graphdsl.executors.llama_request import Control, encodable
from graphdsl.executors.vllm_request import as_data, conversation
from graphdsl.values import Messages

T = TypeVar("T")

_REMEMBERED: Final = 64
"""Prompts whose tokens are kept, since the samples of a node share one."""

_LONG: Final = 20_000
"""Characters from which a prompt is tokenised beside the loop."""


_OVER: Final = {"add_generation_prompt": False, "continue_final_message": False}


class Tokens:
    """Tokenises; what is long on a thread of its own, so that the loop goes on."""

    def __init__(self, tokenizer: Any, model: str, control: Control) -> None:
        self._tokenizer = tokenizer
        self._model = model
        self._control = control
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=f"graphdsl-{model}")
        self._templated = lru_cache(_REMEMBERED)(self._template)

    async def conversation(self, messages: Messages) -> tuple[int, ...]:
        """A prompt as the model's chat template makes it; a last assistant turn stays open.

        Raises `BackendError` where the template refuses the turns.
        """
        return await self._timely(len(messages.text), partial(self._templated, messages))

    async def whole(self, messages: Messages) -> tuple[int, ...]:
        """A conversation that is over, as a reward model wants it. Raises `BackendError`."""
        asked = conversation(as_data(messages, self._control)) | _OVER
        work = partial(self._apply, asked)
        return await self._timely(len(messages.text), work)

    async def text(self, text: str) -> tuple[int, ...]:
        """A raw text, with what the tokenizer puts before it."""
        whole = encodable(text)
        return await self._timely(len(whole), partial(self._encode, whole, special=True))

    async def reply(self, text: str) -> tuple[int, ...]:
        """A text that is data, as it stands within a prompt. Raises `BackendError` for none."""
        data = as_data(Messages.user(encodable(text)), self._control).text
        found = await self._timely(len(data), partial(self._encode, data, special=False))
        if not found:
            raise BackendError(
                f"an empty text has no probability for `{self._model}`", model=self._model
            )
        return found

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=False)

    async def _timely(self, size: int, work: Callable[[], T]) -> T:
        if size < _LONG:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _encode(self, text: str, *, special: bool) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(text, add_special_tokens=special))

    def _template(self, messages: Messages) -> tuple[int, ...]:
        return self._apply(conversation(as_data(messages, self._control)))

    def _apply(self, asked: dict[str, Any]) -> tuple[int, ...]:
        if not asked["messages"]:
            raise BackendError(f"`{self._model}` was asked nothing", model=self._model)
        try:
            found = self._tokenizer.apply_chat_template(
                asked["messages"],
                add_generation_prompt=asked["add_generation_prompt"],
                continue_final_message=asked.get("continue_final_message", False),
                tokenize=True,
                return_dict=False,
            )
        except Exception as error:  # a template is a program, and may raise anything
            raise BackendError(
                f"the chat template of `{self._model}` refused the prompt: {error}",
                model=self._model,
            ) from error
        return tuple(found)

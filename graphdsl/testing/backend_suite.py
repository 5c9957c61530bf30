"""The behaviour that every backend promises, as a pytest class to inherit from.

::

    class TestParrot(BackendSuite):
        @pytest.fixture
        async def backend(self):
            backend = await open_parrot(spec, None)
            yield backend
            await backend.aclose()

The tests are coroutines: run pytest-asyncio in its `auto` mode. What a backend does not claim in
its `Capabilities` is skipped, or has to be refused. Give it few slots and a small context to keep
the suite quick. Two attributes of the class fit the suite to a backend: `patience` and `lasting`.

A backend of another package is a class, and an object that says how it is opened and what the
`model` blocks of files may say:

>>> from graphdsl.errors import BackendError
>>> from graphdsl.executors.abc import Backend, Capabilities, Completion
>>> from graphdsl.executors.backends import BackendPlugin
>>> from graphdsl.ir.backends import SAMPLING, BackendKind
>>> from graphdsl.values import Finish, Usage
>>> class Parrot(Backend):
...     capabilities = Capabilities(max_in_flight=8)
...     closed = False
...
...     async def chat(self, request):
...         if self.closed:
...             raise BackendError("the parrot has flown away", model="parrot")
...         heard = len(request.messages.text.encode("utf-8", "surrogatepass"))
...         count = request.max_tokens or 16
...         return Completion(" na" * count, Finish.LENGTH, Usage(1, heard, 0, count))
...
...     async def aclose(self):
...         self.closed = True
>>> async def open_parrot(spec, progress):
...     return Parrot()
>>> kind = BackendKind("parrot", "a bird that repeats itself", SAMPLING, frozenset(), named=False)
>>> PLUGIN = BackendPlugin(kind, open_parrot)

Its package names that object in an entry point, and files may say `backend = parrot`::

    [project.entry-points."graphdsl.backends"]
    parrot = "parrots:PLUGIN"
"""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from graphdsl.executors.abc import Backend
from graphdsl.testing.ending_promises import EndingPromises
from graphdsl.testing.limit_promises import LimitPromises
from graphdsl.testing.sampling_promises import SamplingPromises
from graphdsl.testing.score_promises import ScorePromises
from graphdsl.testing.text_promises import TextPromises


class BackendSuite(SamplingPromises, TextPromises, ScorePromises, LimitPromises, EndingPromises):
    """Inherit, override `backend`, and get one test per promise."""

    async def test_it_satisfies_the_protocol(self, backend: Backend) -> None:
        assert isinstance(backend, Backend)
        able = backend.capabilities
        assert able == backend.capabilities
        assert able.max_in_flight >= 1
        assert able.context_tokens is None or able.context_tokens > 0
        with pytest.raises(FrozenInstanceError):
            able.seeds = not able.seeds  # pyright: ignore[reportAttributeAccessIssue] (the point)

"""Errors that leave the library.

::

    GraphDslError
    ├── CompileError(ValueError)  .diagnostics      the program is wrong
    ├── InputError(ValueError)  a run's inputs or data are wrong
    ├── PlanError(ValueError)  valid IR cannot be planned (our defect)
    ├── OperatorError(RuntimeError)  .address          an operator broke while it ran
    ├── SandboxError(RuntimeError)   no sandbox can run model-written code here
    ├── PromptError(RuntimeError)    a prompt could not be rendered with these values
    ├── ExtraMissing(RuntimeError)   a package that an operator needs is not installed
    ├── BudgetExceeded(RuntimeError)  .spent .limit     raised only where no partial result exists
    └── BackendError(RuntimeError)     .model .retryable .uncertain
        ├── BackendMissing                               an extra is not installed
        ├── ModelNotFound                                no such model, file or catalogue entry
        ├── ModelCorrupt                                 the file is not what it should be
        ├── AccessDenied                                 a key is missing, wrong or not enough
        ├── NotRecorded                                  a recorded bank has no such reply
        ├── Unsupported                .capability       the model cannot do this
        ├── ContextOverflow            .prompt_tokens .limit
        ├── ContentFiltered                              the provider refused the content
        ├── RateLimited                .retry_after      429
        │   └── Overloaded                               503, 529: the server has no room
        ├── Unreachable                                  no connection was made, nothing was sent
        ├── CallTimeout                                  no reply in time; may have been charged
        ├── BrokenReply                                  it ended early, or cannot be read
        ├── CircuitOpen                .retry_after      it failed too often; not asked again yet
        └── JournalFailed                                the journal of a run cannot be written

A failed *sample* is a value (`Draft.finish == "error"`), never one of these.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphdsl.diagnostics import Diagnostic, Source


class GraphDslError(Exception):
    """Base of every error that the library raises on purpose. All of them can be pickled."""

    def __reduce__(self) -> tuple[object, ...]:
        """Rebuild without the constructor, which takes other arguments than the message."""
        return _rebuilt, (type(self), self.args, self.__dict__)


def _rebuilt(
    kind: type[GraphDslError], args: tuple[object, ...], state: dict[str, object]
) -> GraphDslError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class CompileError(GraphDslError, ValueError):
    """The program is wrong; `diagnostics` says where, why and what to write instead.

    The message begins with the place of the first, as `file:line:column`, where `sources` (by
    the name in a span) has its text.
    """

    def __init__(
        self, diagnostics: Sequence[Diagnostic], sources: Mapping[str, Source] | None = None
    ) -> None:
        self.diagnostics = tuple(diagnostics)
        self.sources = dict(sources or {})
        first = self._headline(self.diagnostics[0]) if self.diagnostics else "the program is wrong"
        more = len(self.diagnostics) - 1
        super().__init__(first + (f" (and {more} more)" if more > 0 else ""))

    def render(self, color: bool = False) -> str:
        """Every diagnostic with its lines of the source and carets, as on the command line."""
        rendering = import_module("graphdsl.rendering")  # a layer above, needed only here
        drawn = [rendering.render(one, self.sources, color) for one in self.diagnostics]
        return "\n\n".join(drawn)

    def _headline(self, diagnostic: Diagnostic) -> str:
        from graphdsl.hidden import hidden

        span, message = diagnostic.primary.span, hidden(diagnostic.message)
        source = self.sources.get(span.source)
        if source is not None:
            line, column = source.position(span.start)
            return f"{span.source}:{line}:{column}: {message}"
        place = "" if span.source.startswith("<") else f"{span.source}: "
        return place + message


class InputError(GraphDslError, ValueError):
    """The inputs of a run, or a data file, do not fit the flow."""


class PlanError(GraphDslError, ValueError):
    """Valid IR that cannot become a plan: a defect of the compiler, with the node named."""


class OperatorError(GraphDslError, RuntimeError):
    """An operator raised while it ran; `address` names the node."""

    def __init__(self, address: str, reason: str) -> None:
        self.address = address
        super().__init__(f"`{address}` failed: {reason}")


class SandboxError(GraphDslError, RuntimeError):
    """There is no sandbox for code that a model wrote, or it could not be made."""


class PromptError(GraphDslError, RuntimeError):
    """A prompt could not be rendered with these values, or its text is too long."""


class ExtraMissing(GraphDslError, RuntimeError):
    """A package that an operator needs is not installed; the message says how to get it."""

    def __init__(self, package: str, *, extra: str, what: str) -> None:
        super().__init__(f"{what} needs `{package}`: pip install 'graphdsl-tts[{extra}]'")


class BudgetExceeded(GraphDslError, RuntimeError):
    """A budget ran out before there was anything to return."""

    def __init__(self, message: str, spent: float = 0.0, limit: float = 0.0) -> None:
        self.spent = spent
        self.limit = limit
        super().__init__(message)


class BackendError(GraphDslError, RuntimeError):
    """A model backend failed.

    `retryable` says whether another attempt may succeed. `uncertain` says that the model may have
    worked on the request, so that it may have been charged: its worst case then counts as spent.
    """

    def __init__(
        self, message: str, *, model: str = "", retryable: bool = False, uncertain: bool = False
    ) -> None:
        self.model = model
        self.retryable = retryable
        self.uncertain = uncertain
        super().__init__(message)


class BackendMissing(BackendError):
    """The package that a backend needs is not installed; `instead` is another way than that."""

    def __init__(self, package: str, *, extra: str, model: str = "", instead: str = "") -> None:
        hint = f"the `{extra}` backend needs `{package}`: pip install 'graphdsl-tts[{extra}]'"
        super().__init__(hint + (f", or {instead}" if instead else ""), model=model)


class ModelNotFound(BackendError):
    """No model, file or catalogue entry of that name."""


class ModelCorrupt(BackendError):
    """A model file exists but cannot be what it claims to be."""


class AccessDenied(BackendError):
    """The endpoint refused the key, or there is none: 401 and 403."""


class NotRecorded(BackendError):
    """A recorded bank has no reply for this request; the message says what is missing."""


class Unsupported(BackendError):
    """The model cannot do what was asked of it; `capability` names what it lacks."""

    def __init__(self, capability: str, *, model: str = "") -> None:
        self.capability = capability
        who = f"`{model}`" if model else "this model"
        super().__init__(f"{who} does not have `{capability}`", model=model)


class ContextOverflow(BackendError):
    """The prompt is longer than the model's context; 0 stands for a number that was not told."""

    def __init__(self, message: str, *, model: str = "", prompt_tokens: int, limit: int) -> None:
        self.prompt_tokens = prompt_tokens
        self.limit = limit
        super().__init__(message, model=model)


class ContentFiltered(BackendError):
    """The provider refused the prompt or withheld the reply."""


class RateLimited(BackendError):
    """The endpoint asked for patience; `retry_after` is in seconds when it said how long."""

    def __init__(self, message: str, *, model: str = "", retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message, model=model, retryable=True)


class Overloaded(RateLimited):
    """The server has no room for the request now."""


class Unreachable(BackendError):
    """No connection could be made, so nothing was sent; a refused certificate stays refused."""

    def __init__(self, message: str, *, model: str = "", retryable: bool = True) -> None:
        super().__init__(message, model=model, retryable=retryable)


class CallTimeout(BackendError):
    """There was no reply in time."""

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message, model=model, retryable=True, uncertain=True)


class BrokenReply(BackendError):
    """The reply ended early or cannot be read."""

    def __init__(self, message: str, *, model: str = "") -> None:
        super().__init__(message, model=model, retryable=True, uncertain=True)


class CircuitOpen(BackendError):
    """The model has failed too often lately and is not asked; `retry_after` is in seconds."""

    def __init__(self, message: str, *, model: str = "", retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(message, model=model)


class JournalFailed(BackendError):
    """The journal of a run cannot be written, so nothing more is sent; the run ends."""

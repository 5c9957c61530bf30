"""Whether runs are told to OpenTelemetry: `GRAPHDSL_OTEL=1`, or `graphdsl.telemetry()`.

Spans go to the tracer provider that the program has set up. Where it has none and
`OTEL_EXPORTER_OTLP_ENDPOINT` names a collector, they go there. They are made when a run has
ended, on a thread that the interpreter waits for when it exits.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from graphdsl.errors import InputError
from graphdsl.executors.trace import Trace

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

    from graphdsl.executors.traces.otel import Telemetry

_MOST: Final = 1000
"""Runs whose spans may wait to be made; of a collector that lags behind, further ones are lost."""

_SPANS: Final = 65_536
"""Spans that may wait to be sent: a run ends with all of its own at once."""

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_LOG: Final = logging.getLogger("graphdsl.telemetry")

Exporter = Callable[[Trace], None]


class _Switch:
    """The state of this process. `chosen` is what the environment said until somebody says more,
    `used` are the providers that have had spans to send."""

    def __init__(self) -> None:
        self.read = False
        self.chosen: Telemetry | None = None
        self.used: set[TracerProvider] = set()


_switch = _Switch()
_lock = threading.Lock()


def telemetry(
    on: bool = True,
    *,
    content: bool = False,
    openinference: bool = False,
    provider: TracerProvider | None = None,
) -> None:
    """Tell the runs that start from now on to OpenTelemetry, or stop doing so.

    Spans go to `provider`, by default the one that the program has set up with
    `opentelemetry.trace.set_tracer_provider`. `content` adds prompts and replies of runs with
    `content=True`; `openinference` adds the keys that Phoenix reads. Wins over `GRAPHDSL_OTEL`,
    `GRAPHDSL_OTEL_CONTENT` and `GRAPHDSL_OTEL_OPENINFERENCE`. Raises `InputError` when the extra
    `otel` is not installed.
    """
    chosen = _made(provider, content, openinference) if on else None
    with _lock:
        _switch.read, _switch.chosen = True, chosen


def exporter() -> Exporter | None:
    """What is to be called with the trace of a run that starts now; None where that is off.

    Its spans stand under the span that is current here. Calling it takes microseconds, and raises
    nothing. Raises `InputError` when the environment wants spans and cannot have them.
    """
    chosen = _switch.chosen if _switch.read else _from_environment()
    if chosen is None:
        return None
    from opentelemetry.context import get_current

    return partial(_hand_over, chosen, get_current())


def observed(observe: Exporter | None) -> Exporter | None:
    """An observer of a run that starts now, which also tells of it; `observe` itself while that is
    off. Raises as `exporter`.
    """
    tell = exporter()
    if tell is None or observe is None:
        return tell or observe

    def both(trace: Trace) -> None:
        observe(trace)
        tell(trace)

    return both


def flush() -> None:
    """Wait until the spans of all runs that have ended are made (and not until they are sent)."""
    for future in tuple(_waiting):
        future.exception()


def deliver(seconds: float) -> bool:
    """Send what there is, for a process that ends at once; False where that takes longer.

    A collector that is not there is waited for as `OTEL_EXPORTER_OTLP_TIMEOUT` says, which is 10
    seconds by default: so `seconds` bound it.
    """
    if not _switch.used:
        return True
    thread = threading.Thread(target=_deliver, name="send spans", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def _deliver() -> None:
    from opentelemetry.trace import get_tracer_provider

    flush()
    for provider in {*_switch.used, get_tracer_provider()}:
        sending = getattr(provider, "force_flush", None)  # of the SDK; the API does not have it
        if sending is not None:
            with suppress(Exception):  # the exporter has logged it
                sending()


def _from_environment() -> Telemetry | None:
    with _lock:
        if not _switch.read:
            if _wanted("GRAPHDSL_OTEL"):
                content, more = "GRAPHDSL_OTEL_CONTENT", "GRAPHDSL_OTEL_OPENINFERENCE"
                _switch.chosen = _made(None, _wanted(content), _wanted(more))
            _switch.read = True
        return _switch.chosen


def _wanted(name: str) -> bool:
    """Whether a variable says yes. Raises `InputError` for one that says neither yes nor no."""
    said = os.environ.get(name, "").strip().lower()
    if said in ("1", "true", "yes", "on"):
        return True
    if said in ("", "0", "false", "no", "off"):
        return False
    raise InputError(f"`{name}` must be 1 or 0, not `{said}`")


def _made(provider: TracerProvider | None, content: bool, openinference: bool) -> Telemetry:
    try:
        from opentelemetry.trace import get_tracer_provider
    except ImportError as error:
        raise InputError(_missing("opentelemetry-api")) from error
    from graphdsl.executors.traces.otel import Telemetry

    source = provider or _own_provider() or get_tracer_provider()
    _switch.used.add(source)
    return Telemetry(source.get_tracer("graphdsl"), content, openinference)


@cache
def _own_provider() -> TracerProvider | None:
    """One that sends to the endpoint of the environment, where the program has set up none."""
    from opentelemetry.trace import ProxyTracerProvider, get_tracer_provider

    if not isinstance(get_tracer_provider(), ProxyTracerProvider):
        return None
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        _LOG.warning(
            "telemetry is on, but there is no tracer provider yet and no "
            "`OTEL_EXPORTER_OTLP_ENDPOINT`: spans go nowhere until one is set up"
        )
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider as Provider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InputError(_missing("opentelemetry-exporter-otlp-proto-http")) from error
    named = Resource.create({SERVICE_NAME: "graphdsl"}).merge(OTELResourceDetector().detect())
    provider = Provider(resource=named)
    queue = None if os.environ.get("OTEL_BSP_MAX_QUEUE_SIZE") else _SPANS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=queue))
    return provider


def _missing(package: str) -> str:
    return (
        f"telemetry needs `{package}`, which is not installed; "
        "install it with `pip install 'graphdsl-tts[otel]'`"
    )


_waiting: set[Future[None]] = set()


@cache
def _pool() -> ThreadPoolExecutor:
    """One thread, so that spans come in the order of runs; the interpreter waits for it."""
    os.register_at_fork(after_in_child=_forked)
    return ThreadPoolExecutor(1, thread_name_prefix="graphdsl-telemetry")


def _hand_over(told: Telemetry, parent: object, trace: Trace) -> None:
    from opentelemetry.context import Context

    from graphdsl.executors.traces.otel import export

    assert isinstance(parent, Context)
    if len(_waiting) >= _MOST:
        _LOG.warning("the spans of run %s are lost: too many wait to be made", trace.run_id)
        return
    future = _pool().submit(export, trace, told, parent)
    _waiting.add(future)
    future.add_done_callback(_ended)


def _ended(future: Future[None]) -> None:
    _waiting.discard(future)
    error = future.exception()
    if error is not None:
        _LOG.warning("the spans of a run could not be made: %s", error, exc_info=error)


def _forked() -> None:
    """A child has the thread's object, but not the thread."""
    _pool.cache_clear()
    _waiting.clear()

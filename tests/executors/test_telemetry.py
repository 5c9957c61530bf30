"""Spans of OpenTelemetry: what they say, under what they stand, and when there are none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from graphdsl.errors import InputError
from graphdsl.executors.engine import execute
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.trace import Trace
from graphdsl.executors.traces import telemetry as switch
from graphdsl.executors.traces.telemetry import deliver, exporter, flush, observed, telemetry
from tests.plans import Fake, Graph, model, serving
from tests.traces import HOSTILE, call, diamond, node, told, trace


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As in a process where nobody has said anything yet."""
    for name in [name for name in os.environ if name.startswith(("GRAPHDSL_OTEL", "OTEL_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(switch, "_switch", switch._Switch())  # pyright: ignore[reportPrivateUsage]
    yield
    flush()


def spans(one: Trace, **options: Any) -> list[ReadableSpan]:
    """What a run is told as, in the order of ends."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    telemetry(provider=provider, **options)
    found = exporter()
    assert found is not None
    found(one)
    flush()
    return list(memory.get_finished_spans())


def named(found: list[ReadableSpan], name: str) -> ReadableSpan:
    (one,) = [span for span in found if span.name == name]
    return one


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_run_is_a_workflow_with_what_it_cost() -> None:
    run = named(spans(diamond()), "invoke_workflow f")
    found = attributes(run)
    assert run.kind is SpanKind.INTERNAL
    assert found["gen_ai.operation.name"] == "invoke_workflow"
    assert (found["tts.run_id"], found["tts.graph_hash"]) == ("run-1", "hash")
    assert (found["tts.cost.usd"], found["tts.calls"]) == (0.03, 3)
    assert run.status.status_code is StatusCode.UNSET
    assert [name for name in found if name.startswith("gen_ai.usage")] == []


def test_nodes_stand_in_the_run_and_calls_in_their_nodes() -> None:
    found = spans(diamond())
    run, slow = named(found, "invoke_workflow f"), named(found, "generate f.slow")
    big = named(found, "chat big")
    assert run.parent is None
    assert slow.parent == run.context
    assert big.parent == slow.context
    assert attributes(slow)["tts.node.kind"] == "generate"
    assert attributes(slow)["tts.node.path"] == "f.slow"
    assert attributes(slow)["tts.node.critical"] is True
    assert attributes(named(found, "generate f.quick"))["tts.node.cache_hit"] is True


def test_times_are_those_of_the_trace() -> None:
    slow = named(spans(diamond()), "generate f.slow")
    begin = 1_700_000_000 * 10**9
    assert (slow.start_time, slow.end_time) == (begin + 10**9, begin + 3 * 10**9)


def test_the_span_of_a_call_begins_when_it_was_sent() -> None:
    kept = call(0.0, 1.0, "kept", origin="cache", wait=1.0)
    found = spans(trace(node("a", 0, 2, calls=[call(0.0, 2.0, wait=1.5), kept])))
    begin = 1_700_000_000 * 10**9
    sent, cached = named(found, "chat m"), named(found, "cache kept")
    assert (sent.start_time, sent.end_time) == (begin + 15 * 10**8, begin + 2 * 10**9)
    assert attributes(sent)["tts.call.wait"] == 1.5
    assert cached.start_time == begin


def test_a_call_has_the_attributes_of_the_genai_conventions() -> None:
    found = spans(told())
    asked = next(span for span in found if attributes(span).get("tts.call.sample") == 0)
    assert (asked.name, asked.kind) == ("chat gpt-4.1-mini", SpanKind.CLIENT)
    assert attributes(asked) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.request.seed": 7,
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 5,
        "gen_ai.response.finish_reasons": ("stop",),
        "tts.model": "m",
        "tts.call.sample": 0,
        "tts.call.origin": "model",
        "tts.call.wait": 0.0,
        "tts.cost.usd": 0.01,
        "tts.saved.usd": 0.0,
    }


def test_a_failed_call_is_an_error() -> None:
    failed = next(s for s in spans(told()) if attributes(s).get("tts.call.sample") == 1)
    assert attributes(failed)["error.type"] == "_OTHER"
    assert attributes(failed)["gen_ai.response.finish_reasons"] == ("error",)
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, HOSTILE)


def test_a_run_that_broke_is_an_error() -> None:
    broken = trace(node("a", 0, 1, status="failed"), status="failed", error="`f.a` failed: why")
    run = named(spans(broken), "invoke_workflow f")
    assert run.status.description == "`f.a` failed: why"
    assert attributes(run)["error.type"] == "failed"


def test_what_came_from_the_cache_is_no_chat_and_has_no_tokens() -> None:
    kept = named(spans(diamond()), "cache m")
    assert kept.kind is SpanKind.INTERNAL
    assert attributes(kept)["tts.saved.usd"] == 0.01
    assert "gen_ai.operation.name" not in attributes(kept)
    assert "gen_ai.usage.input_tokens" not in attributes(kept)


@pytest.mark.parametrize(
    ("model", "provider", "name"),
    [
        ("litellm:anthropic/claude-x", "anthropic", "claude-x"),
        ("litellm:gemini/pro/2", "gcp.gemini", "pro/2"),
        ("embedded:smollm2-135m", "embedded", "smollm2-135m"),
        ("simulated:", "simulated", "m"),
    ],
)
def test_providers_have_the_names_of_the_convention(model: str, provider: str, name: str) -> None:
    asked = trace(node("a", 0, 1, calls=[call(0, 1)]), models={"m": model})
    found = attributes(named(spans(asked), f"chat {name}"))
    assert (found["gen_ai.provider.name"], found["gen_ai.request.model"]) == (provider, name)


def test_prompts_and_replies_are_told_only_when_asked_for() -> None:
    quiet = json.dumps([attributes(span) for span in spans(told())])
    assert "alert(1)" not in quiet
    assert "Be careful." not in quiet
    asked = next(
        attributes(span)
        for span in spans(told(), content=True)
        if attributes(span).get("tts.call.sample") == 0
    )
    assert json.loads(asked["gen_ai.system_instructions"]) == [
        {"type": "text", "content": "Be careful."}
    ]
    assert json.loads(asked["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": HOSTILE}]}
    ]
    assert json.loads(asked["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": HOSTILE}],
            "finish_reason": "stop",
        }
    ]


def test_keys_of_openinference_come_when_asked_for() -> None:
    assert not any("openinference" in str(attributes(span)) for span in spans(diamond()))
    found = spans(diamond(), openinference=True)
    big = attributes(named(found, "chat big"))
    assert big["openinference.span.kind"] == "LLM"
    assert (big["llm.model_name"], big["llm.token_count.total"]) == ("big", 15)
    assert attributes(named(found, "invoke_workflow f"))["openinference.span.kind"] == "CHAIN"


def test_a_run_stands_under_the_span_that_was_current_when_it_started() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    telemetry(provider=provider)
    with provider.get_tracer("caller").start_as_current_span("request") as request:
        found = exporter()
    assert found is not None
    found(diamond())
    flush()
    run = named(list(memory.get_finished_spans()), "invoke_workflow f")
    assert run.parent == request.get_span_context()


async def test_a_run_of_the_engine_is_told_to_its_observer_and_as_spans() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    telemetry(provider=provider)
    graph = Graph(("q",))
    drafts = graph.step(
        "generate", {"models": (model(),), "samples": 2}, address="flow.drafts", prompt=0
    )
    seen: list[Trace] = []
    options = RunOptions(observe=observed(seen.append))
    backends = serving(m=Fake("7"))
    result = await execute(graph.program(drafts), {"q": "?"}, backends=backends, options=options)
    flush()
    assert seen == [result.trace]
    found = list(memory.get_finished_spans())
    assert len([span for span in found if span.name.startswith("chat ")]) == 2
    assert attributes(named(found, "invoke_workflow flow"))["tts.run_id"] == result.run_id
    assert named(found, "generate flow.drafts").parent == found[-1].context


def test_while_it_is_off_an_observer_stays_as_it_is() -> None:
    seen: list[Trace] = []
    keep = seen.append
    assert observed(keep) is keep
    assert observed(None) is None


def test_a_run_that_is_not_sampled_costs_one_span_that_records_nothing() -> None:
    memory = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    telemetry(provider=provider)
    found = exporter()
    assert found is not None
    found(diamond())
    flush()
    assert memory.get_finished_spans() == ()


def test_it_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exporter() is None
    monkeypatch.setattr(switch, "_switch", switch._Switch())  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setenv("GRAPHDSL_OTEL", "0")
    assert exporter() is None


def test_it_can_be_turned_off_again() -> None:
    spans(diamond())
    telemetry(False)
    assert exporter() is None


def test_a_switch_that_is_neither_on_nor_off_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHDSL_OTEL", "perhaps")
    with pytest.raises(InputError, match="`GRAPHDSL_OTEL` must be 1 or 0, not `perhaps`"):
        exporter()


def test_a_missing_extra_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", None)
    with pytest.raises(InputError, match=r"pip install 'graphdsl-tts\[otel\]'"):
        telemetry()


_PROGRAM = """
from graphdsl.executors.traces.telemetry import exporter
from tests.traces import diamond
found = exporter()
if found is not None:
    found(diamond())
"""


def in_a_process(**environment: str) -> str:
    """Run a program that tells of one run and ends at once; gives what it says on stderr."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env={**kept, "GRAPHDSL_OTEL": "1", "PYTHONPATH": os.getcwd(), **environment},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr


def test_spans_go_to_the_endpoint_of_the_environment_before_the_process_ends() -> None:
    received: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            received.append((self.path, self.rfile.read(length)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        assert (
            in_a_process(OTEL_EXPORTER_OTLP_ENDPOINT=address, OTEL_EXPORTER_OTLP_COMPRESSION="none")
            == ""
        )
        server.shutdown()
        thread.join()
    assert {path for path, _ in received} == {"/v1/traces"}
    sent = b"".join(body for _, body in received)
    assert b"invoke_workflow f" in sent
    assert b"chat big" in sent
    assert b"graphdsl" in sent


def test_spans_that_go_nowhere_are_said_to() -> None:
    assert "no `OTEL_EXPORTER_OTLP_ENDPOINT`" in in_a_process()


def test_a_failed_node_says_what_its_calls_said() -> None:
    failed = [call(0, 1, finish="error", error="the model broke")]
    found = spans(trace(node("a", 0, 1, calls=failed, status="failed"), status="failed"))
    assert named(found, "generate f.a").status.description == "the model broke"


def test_spans_are_sent_before_a_process_ends_at_once() -> None:
    """Those that are still to be made as well; a provider that cannot send is none to wait for."""
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(memory, schedule_delay_millis=3_600_000))
    telemetry(provider=provider)
    told = exporter()
    assert told is not None
    told(diamond())
    assert deliver(30.0)
    assert "invoke_workflow f" in [span.name for span in memory.get_finished_spans()]
    provider.shutdown()


def test_a_collector_that_does_not_answer_is_not_waited_for_long() -> None:
    gate = threading.Event()

    class Stuck(TracerProvider):
        def force_flush(self, timeout_millis: int = 30_000) -> bool:
            return gate.wait(60)

    telemetry(provider=Stuck(shutdown_on_exit=False))
    assert not deliver(0.01)
    gate.set()


def test_nothing_is_sent_where_telemetry_was_never_on() -> None:
    assert deliver(0.0)

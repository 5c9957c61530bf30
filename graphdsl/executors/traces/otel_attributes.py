"""What the spans of a run say, as attributes.

Model calls have the GenAI semantic conventions of OpenTelemetry (`gen_ai.*`, at Development status:
https://opentelemetry.io/docs/specs/semconv/gen-ai/); what these have no name for is under `tts.*`.
With `openinference` there are the keys of https://arize-ai.github.io/openinference/spec/ as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from graphdsl.executors.trace import Call, Record, Trace, without_rounds
from graphdsl.values import Message, Usage

Attribute = str | bool | int | float | Sequence[str]
Attributes = dict[str, Attribute]

_FINISH: Final = {"stop": "stop", "stop_seq": "stop", "length": "length", "error": "error"}
"""Reasons by the convention's words; a sample that was cut off has none."""

_PROVIDERS: Final = {
    "anthropic": "anthropic",
    "azure": "azure.ai.openai",
    "bedrock": "aws.bedrock",
    "deepseek": "deepseek",
    "gemini": "gcp.gemini",
    "groq": "groq",
    "mistral": "mistral_ai",
    "openai": "openai",
    "perplexity": "perplexity",
    "vertex_ai": "gcp.vertex_ai",
    "xai": "x_ai",
}
"""The convention's names of providers, by the prefix of litellm's models."""

_KINDS: Final = {
    "recall": "RETRIEVER",
    "rank": "RERANKER",
    "best": "RERANKER",
    "verify": "EVALUATOR",
    "judge": "EVALUATOR",
}
"""OpenInference's kinds of span, by op; every other node is a `CHAIN`."""


def run_attributes(trace: Trace, *, content: bool, openinference: bool) -> Attributes:
    """Of the span of the whole run."""
    found: Attributes = {
        "gen_ai.operation.name": "invoke_workflow",
        "gen_ai.workflow.name": trace.flow,
        "tts.run_id": trace.run_id,
        "tts.graph_hash": trace.graph_hash,
        "tts.seed": trace.seed,
        "tts.status": trace.status,
        **_spent(trace.usage),
    }
    if trace.batch:
        found["tts.batch"] = trace.batch
    if content:
        found |= {"tts.inputs": json.dumps(trace.inputs), "tts.value": trace.value}
    if openinference:
        found["openinference.span.kind"] = "CHAIN"
        if content:
            found |= {"input.value": json.dumps(trace.inputs), "output.value": trace.value}
    return found


def node_attributes(record: Record, *, critical: bool, openinference: bool) -> Attributes:
    """Of the span of a node; `critical` says that it is on the critical path."""
    usage = Usage()
    for call in record.calls:
        usage += call.usage
    found: Attributes = {
        "tts.node.kind": record.op,
        "tts.node.path": record.address,
        "tts.node.status": record.status,
        "tts.node.critical": critical,
        "tts.node.calls": len(record.calls),
        "tts.node.cache_hit": any(call.origin == "cache" for call in record.calls),
        "tts.node.prefix_tokens_cached": usage.cached_tokens,
        "tts.node.spared": record.spared,
        "tts.node.passes": record.passes,
    }
    if record.op == "recall":
        found["gen_ai.operation.name"] = "search_memory"
    if openinference:
        found["openinference.span.kind"] = _KINDS.get(record.op, "CHAIN")
    return found


def node_name(record: Record) -> str:
    """`generate reason.drafts`: rounds are left out, so that equal nodes have equal names."""
    return f"{record.op} {without_rounds(record.address)}"


def call_name(call: Call, models: Mapping[str, str]) -> str:
    """`chat gpt-4.1-mini`; what nobody was asked for is no chat: `cache gpt-4.1-mini`."""
    operation = "chat" if call.origin == "model" else call.origin
    return f"{operation} {_model(call, models)[1]}"


def call_attributes(
    call: Call, models: Mapping[str, str], *, content: bool, openinference: bool
) -> Attributes:
    """Of the span of a sample. Tokens and operation stand only where a model was asked, so that
    nobody adds up what was not spent."""
    provider, model = _model(call, models)
    found: Attributes = {
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model,
        "tts.model": call.model,
        "tts.call.sample": call.sample,
        "tts.call.origin": call.origin,
        **_cost("tts.cost.usd", call.usage),
        **_cost("tts.saved.usd", call.saved),
    }
    if call.seed is not None:
        found["gen_ai.request.seed"] = call.seed
    if call.finish in _FINISH:
        found["gen_ai.response.finish_reasons"] = [_FINISH[call.finish]]
    if (kind := error_type(call)) is not None:
        found["error.type"] = kind
    if call.origin == "model":
        found |= {"tts.call.wait": call.sent - call.start, **_usage(call.usage)}
    if content:
        found |= dict(_content(call))
    if openinference:
        found |= dict(_openinference(call, provider, model, content=content))
    return found


def error_type(call: Call) -> str | None:
    """The convention's `error.type`: the class of the error, where there was one."""
    return call.kind or {"error": "_OTHER", "cancelled": "cancelled"}.get(call.finish)


def _usage(usage: Usage) -> Attributes:
    found: Attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.output.type": "text",
        "gen_ai.usage.input_tokens": usage.prompt_tokens,
        "gen_ai.usage.output_tokens": usage.completion_tokens,
    }
    if usage.cached_tokens:
        found["gen_ai.usage.cache_read.input_tokens"] = usage.cached_tokens
    if usage.unknown:
        found["tts.call.unknown"] = usage.unknown
    return found


def _spent(usage: Usage) -> Attributes:
    """Sums have names of their own: what adds up `gen_ai.usage` must not find them twice."""
    return {
        "tts.calls": usage.calls,
        "tts.tokens.input": usage.prompt_tokens,
        "tts.tokens.cached": usage.cached_tokens,
        "tts.tokens.output": usage.completion_tokens,
        **_cost("tts.cost.usd", usage),
    }


def _cost(name: str, usage: Usage) -> Attributes:
    """Nothing where nobody knows it, which is not the same as 0."""
    return {} if usage.usd is None else {name: usage.usd}


def _model(call: Call, models: Mapping[str, str]) -> tuple[str, str]:
    """Provider and model: `litellm:anthropic/claude` is of `anthropic`."""
    backend, found, model = models.get(call.model, "").partition(":")
    if not found:
        return "graphdsl", call.model
    if backend == "litellm":
        prefix, slash, rest = model.partition("/")
        return (_PROVIDERS.get(prefix, prefix), rest) if slash else ("litellm", model)
    return backend, model or call.model


def _content(call: Call) -> Iterator[tuple[str, Attribute]]:
    """Structured messages; spans have no structured attributes, so they are JSON."""
    turns = call.prompt or ()
    system = [_part(turn) for turn in turns if turn.role == "system"]
    others = [_turn(turn) for turn in turns if turn.role != "system"]
    if system:
        yield "gen_ai.system_instructions", json.dumps(system)
    if others:
        yield "gen_ai.input.messages", json.dumps(others)
    if call.text is not None:
        reply = _turn(Message("assistant", call.text))
        finish = _FINISH.get(call.finish, call.finish)
        yield "gen_ai.output.messages", json.dumps([{**reply, "finish_reason": finish}])


def _turn(message: Message) -> dict[str, object]:
    return {"role": message.role, "parts": [_part(message)]}


def _part(message: Message) -> dict[str, object]:
    return {"type": "text", "content": message.content}


def _openinference(
    call: Call, provider: str, model: str, *, content: bool
) -> Iterator[tuple[str, Attribute]]:
    asked = call.origin == "model"
    yield "openinference.span.kind", "LLM" if asked else "CHAIN"
    if asked:
        usage = call.usage
        yield "llm.model_name", model
        yield "llm.provider", provider
        yield "llm.token_count.prompt", usage.prompt_tokens
        yield "llm.token_count.completion", usage.completion_tokens
        yield "llm.token_count.total", usage.prompt_tokens + usage.completion_tokens
        yield "llm.token_count.prompt_details.cache_read", usage.cached_tokens
    if not content:
        return
    for index, turn in enumerate(call.prompt or ()):
        yield f"llm.input_messages.{index}.message.role", turn.role
        yield f"llm.input_messages.{index}.message.content", turn.content
    if call.text is not None:
        yield "llm.output_messages.0.message.role", "assistant"
        yield "llm.output_messages.0.message.content", call.text

"""What each kind of backend accepts in a `model` block, and what it can do at best.

Data only, so that the checker can judge a file without opening a model. A running backend's
own `Capabilities` record is the last word; this table is what `graphdsl check` promises. Other
packages add kinds of their own: `graphdsl.ir.backends` looks them all up.
"""

from __future__ import annotations

from typing import Final

from graphdsl.ir.backend_kind import (
    CALLING,
    CAPABILITIES,
    PLACEMENT,
    PRICES,
    SAMPLING,
    BackendKind,
    Option,
)

_COMMON: Final = (*SAMPLING, *CALLING, *PRICES)
_PLACED: Final = (*_COMMON, *PLACEMENT)

_IN_FLIGHT: Final = Option(
    "max_in_flight", "int", "calls at the same time; default: found by trying", 1, 100_000
)
_CONTEXT: Final = Option("context", "int", "tokens of context", 64, 100_000_000)
_REVISION: Final = Option(
    "revision", "text", "your name for what the endpoint serves; the cache keeps each apart"
)
_REASONING: Final = Option(
    "reasoning_effort",
    "word",
    "how long a reasoning model may think",
    words=("none", "minimal", "low", "medium", "high", "xhigh"),
)

_FIXED: Final = frozenset({"cancellation"})
"""What no block can give to a model that really runs, or take from it."""

_BEYOND_CHATS: Final = frozenset({"text_scores", "relevance_scores"})
"""What litellm has no call for."""


def _endpoint(addresses: Option, beyond: frozenset[str] = frozenset()) -> tuple[Option, ...]:
    """What blocks of endpoints have in common; `beyond` are capabilities that they never have."""
    words = _words(frozenset(CAPABILITIES) - _FIXED - beyond)
    has = "capabilities that this endpoint has beside the usual"
    return (
        addresses,
        Option("api_key", "secret", "the environment variable that holds the key"),
        _IN_FLIGHT,
        _CONTEXT,
        _REVISION,
        _lacks(words),
        Option("has", "texts", has, words=words),
    )


def _words(capabilities: frozenset[str]) -> tuple[str, ...]:
    return tuple(word for word in CAPABILITIES if word in capabilities)


def _lacks(words: tuple[str, ...]) -> Option:
    return Option("lacks", "texts", "capabilities to do without", words=words)


_REPLICAS: Final = Option(
    "base_url", "places", "the endpoint, up to `/v1`; several are replicas of one model"
)
_ADDRESS: Final = Option("base_url", "place", "the endpoint, up to `/v1`")

_LOCAL: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation", "completions"}
    | {"structured", "label_scores", "embeddings"}
)
_REMOTE: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "cancellation", "structured"}
    | {"label_scores", "embeddings"}
)
_RECORDED: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation"}
    | {"completions", "structured"}
)

_ENGINE: Final = (
    Option(
        "cache",
        "word",
        "what it remembers of prompts: `slots` as llama.cpp, `blocks` as vLLM",
        words=("none", "slots", "blocks"),
    ),
    Option("cache_block", "int", "tokens of a block; default: 16", 1, 4096),
    Option("cache_tokens", "int", "tokens that blocks hold; default: 100 000", 1, 1_000_000_000),
    Option("prefill", "number", "prompt tokens read per second, one call at a time; 0: at once", 0),
    Option("decode", "number", "tokens that each call writes per second; 0: at once", 0),
)
"""How a simulated engine takes its time."""

BACKENDS: Final = {
    kind.name: kind
    for kind in (
        BackendKind(
            "embedded",
            "a GGUF model in this process, on the CPU, through llama.cpp",
            (
                *_PLACED,
                Option("slots", "int", "generations that run at the same time", 1, 256),
                Option("context", "int", "tokens of context for one generation", 64, 1_000_000),
                Option(
                    "threads", "int", "CPU threads; default: the CPUs this process may use", 1, 1024
                ),
            ),
            _LOCAL | {"text_scores"},
            files=True,
        ),
        BackendKind(
            "openai",
            "any server with the OpenAI interface, local or remote",
            (
                *_PLACED,
                *_endpoint(_REPLICAS),
                _REASONING,
                Option("stream", "bool", "read replies as they are written"),
                Option(
                    "limit_name",
                    "word",
                    "what the server calls the limit of a reply",
                    words=("max_tokens", "max_completion_tokens"),
                ),
            ),
            _REMOTE,
            free=False,
        ),
        BackendKind(
            "vllm",
            "a model on vLLM: a server that runs, one that is started, or in this process",
            (
                *_PLACED,
                *_endpoint(_REPLICAS),
                Option(
                    "run",
                    "word",
                    "`attach` to `base_url`, start a `server`, or `in_process`",
                    words=("attach", "server", "in_process"),
                ),
                Option("dtype", "text", "number format of the weights: `auto`, `bfloat16`, …"),
                Option("gpu_memory", "number", "share of the GPU's memory to take", 0.01, 1),
                Option("tensor_parallel", "int", "GPUs that share one copy of the model", 1, 1024),
                Option("enforce_eager", "bool", "start faster, run slower: no compiled graphs"),
                Option(
                    "task",
                    "word",
                    "what it is for; `score` is a reranker, `reward` rates replies",
                    words=("generate", "embed", "score", "reward"),
                ),
                Option("startup_timeout", "number", "seconds that a start may take", 1, 86_400),
                Option("arguments", "texts", "further arguments for `vllm serve`, as they are"),
            ),
            _LOCAL | {"text_scores", "relevance_scores"},
            files=True,
        ),
        BackendKind(
            "litellm",
            "any provider that litellm knows: Anthropic, Gemini, Bedrock, …",
            (*_COMMON, *_endpoint(_ADDRESS, _BEYOND_CHATS), _REASONING),
            _REMOTE,
            free=False,
        ),
        BackendKind(
            "replay",
            "answers from a recorded bank, with the tokens and seconds that they took",
            (
                *_COMMON,
                Option("bank", "place", "the recorded bank: a .jsonl file or an SQLite file"),
                Option("latency", "number", "how much of the recorded time to wait: 0 none, 1 all"),
                Option("otherwise", "models", "one model to ask for what was not recorded", high=1),
                _CONTEXT,
                _lacks(_words(_RECORDED - _FIXED)),
            ),
            _RECORDED,
            required=("bank",),
        ),
        BackendKind(
            "fallback",
            "several models: the first answers, the next where it cannot",
            (*SAMPLING, Option("models", "models", "the models, in order")),
            frozenset(CAPABILITIES),
            named=False,
            required=("models",),
        ),
        BackendKind(
            "round_robin",
            "several models that take turns, sample by sample; one that fails is passed over",
            (*SAMPLING, Option("models", "models", "the models, in order")),
            frozenset(CAPABILITIES),
            named=False,
            required=("models",),
        ),
        BackendKind(
            "simulated",
            "a model of a model: deterministic by seed, for tests and planning; it knows nothing",
            (
                *_PLACED,
                Option("seed", "int", "seed of the simulation"),
                Option(
                    "accuracy", "number", "probability that one sample holds the right answer", 0, 1
                ),
                Option(
                    "answer", "text", "the right answer; default: solved where the prompt is a sum"
                ),
                Option("wrong", "texts", "wrong answers to draw from"),
                Option(
                    "replies",
                    "texts",
                    "scripted replies, by sample index (cycled), instead of a simulation",
                ),
                Option("latency", "number", "mean seconds of one call", 0, 3600),
                Option("latency_spread", "number", "log-normal sigma of the latency", 0, 5),
                Option("tokens", "int", "mean completion tokens", 1, 100_000),
                Option("failures", "number", "probability that a call fails", 0, 1),
                Option(
                    "truncations", "number", "probability that a reply is cut at max_tokens", 0, 1
                ),
                Option("slots", "int", "calls that run at the same time", 1, 1_000_000),
                Option("context", "int", "tokens of context", 64, 10_000_000),
                *_ENGINE,
                Option(
                    "lacks",
                    "texts",
                    "capabilities to do without, to stand for a weaker backend",
                    words=tuple(CAPABILITIES),
                ),
            ),
            frozenset(CAPABILITIES),
            named=False,
        ),
    )
}
"""The kinds that this package brings; `graphdsl.ir.backends.backend_kind` knows those of
other packages too."""

COMPOSITES: Final = frozenset({"fallback", "round_robin"})
"""Kinds that stand for other models, which their option `models` lists."""

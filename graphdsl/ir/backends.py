"""What each kind of backend accepts in a `model` block, and what it can do at best.

Data only, so that the checker can judge a file without opening a model. A running backend's
own `Capabilities` record is the last word; this table is what `graphdsl check` promises. Packages
add kinds of their own through the entry point group `graphdsl.backends`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from graphdsl.errors import BackendError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP: Final = "graphdsl.backends"
"""Entry points of other packages, each named like its kind; see `plugin` for what it stands for."""


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a `model` block.

    `kind` is `number`, `int`, `text`, `bool`, `texts` (a list of texts), `word` (one of `words`,
    bare), `place` (a text or `env("NAME")`), `places` (one or a list of these), `secret` (only
    `env("NAME")`), or `models` (a list of models, at most `high` of them). `words` are the only
    texts that it may have, where there are such. `needs` is the capability without which the entry
    means nothing.
    """

    name: str
    kind: str
    doc: str
    low: float | None = None
    high: float | None = None
    words: tuple[str, ...] = ()
    needs: str | None = None


@dataclass(frozen=True, slots=True)
class BackendKind:
    """A backend that a file may name, its options and its declared capabilities.

    `free`: its calls cost nothing unless the block says otherwise. `named`: the block needs a
    `name`. `required` are the options that it needs beside that.
    """

    name: str
    doc: str
    options: tuple[Option, ...]
    capabilities: frozenset[str]
    free: bool = True
    named: bool = True
    required: tuple[str, ...] = ()

    def option(self, name: str) -> Option | None:
        """The option of that name, if this backend has it."""
        return next((option for option in self.options if option.name == name), None)


CAPABILITIES: Final[Mapping[str, str]] = {
    "seeds": "the same seed gives the same text",
    "logprobs": "a reply comes with the log-probabilities of its tokens",
    "stop_strings": "given strings end a generation",
    "cancellation": "a generation in flight can be stopped",
    "prefix_continuation": "a prompt whose last turn is `assistant` is continued",
    "completions": "a text is continued without a chat template",
    "structured": "a reply can be held to a JSON schema",
    "label_scores": "the probabilities of a few short replies can be asked for",
    "text_scores": "the log-probability of a given text can be asked for",
    "relevance_scores": "it is a reward model or reranker, which scores texts",
    "embeddings": "texts can be turned into vectors",
}
"""What a backend may be able to do, each with its meaning."""

SAMPLING: Final = (
    Option("temperature", "number", "sampling temperature; 0 is greedy", 0, 5),
    Option("max_tokens", "int", "most tokens that one call may generate", 1, 1_000_000),
    Option("top_p", "number", "nucleus sampling mass", 0, 1),
    Option("stop", "texts", "strings that end a generation", needs="stop_strings"),
)

CALLING: Final = (
    Option("timeout", "number", "seconds that one call may take", 0.001, 86_400),
    Option("attempts", "int", "how often one call is tried, the first time included", 1, 100),
)
"""How the engine treats calls that fail."""

TIMEOUT: Final = 600.0
"""Seconds for a call over a network, or on a machine paid by the hour, without a `timeout`."""

PRICES: Final = (
    Option("usd_per_mtok_in", "number", "US dollars per million prompt tokens", 0, 1_000_000),
    Option("usd_per_mtok_cached", "number", "the same, for tokens read from a cache", 0, 1_000_000),
    Option("usd_per_mtok_out", "number", "US dollars per million completion tokens", 0, 1_000_000),
    Option("usd_per_call", "number", "US dollars per call, beside its tokens", 0, 1_000_000),
    Option("usd_per_hour", "number", "US dollars per hour of the machine it runs on", 0, 1_000_000),
    Option("flops_per_token", "number", "operations per token; about twice the parameters", 0),
)
"""What calls cost, where the file says so; it wins over the price table."""

_COMMON: Final = (*SAMPLING, *CALLING, *PRICES)

_LACKS: Final = Option("lacks", "texts", "capabilities to do without", words=tuple(CAPABILITIES))
_HAS: Final = Option(
    "has",
    "texts",
    "capabilities that this endpoint has beside the usual",
    words=tuple(CAPABILITIES),
)
_IN_FLIGHT: Final = Option(
    "max_in_flight", "int", "calls at the same time; default: found by trying", 1, 100_000
)
_CONTEXT: Final = Option("context", "int", "tokens of context", 64, 100_000_000)
_REASONING: Final = Option(
    "reasoning_effort",
    "word",
    "how long a reasoning model may think",
    words=("none", "minimal", "low", "medium", "high", "xhigh"),
)
_ENDPOINT: Final = (
    Option("base_url", "places", "the endpoint, up to `/v1`; several are replicas of one model"),
    Option("api_key", "secret", "the environment variable that holds the key"),
    _IN_FLIGHT,
    _CONTEXT,
    _LACKS,
    _HAS,
)

_LOCAL: Final = frozenset(
    {"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation", "completions"}
    | {"structured", "label_scores", "embeddings"}
)

BACKENDS: Final = {
    kind.name: kind
    for kind in (
        BackendKind(
            "embedded",
            "a GGUF model in this process, on the CPU, through llama.cpp",
            (
                *_COMMON,
                Option("slots", "int", "generations that run at the same time", 1, 256),
                Option("context", "int", "tokens of context for one generation", 64, 1_000_000),
                Option(
                    "threads", "int", "CPU threads; default: the CPUs this process may use", 1, 1024
                ),
            ),
            _LOCAL | {"text_scores"},
        ),
        BackendKind(
            "openai",
            "any server with the OpenAI interface, local or remote",
            (
                *_COMMON,
                *_ENDPOINT,
                _REASONING,
                Option("stream", "bool", "read replies as they are written"),
                Option(
                    "limit_name",
                    "word",
                    "what the server calls the limit of a reply",
                    words=("max_tokens", "max_completion_tokens"),
                ),
            ),
            frozenset({"seeds", "logprobs", "stop_strings", "cancellation", "structured"})
            | {"label_scores", "embeddings"},
            free=False,
        ),
        BackendKind(
            "vllm",
            "a model on vLLM: a server that runs, one that is started, or in this process",
            (
                *_COMMON,
                *_ENDPOINT,
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
        ),
        BackendKind(
            "litellm",
            "any provider that litellm knows: Anthropic, Gemini, Bedrock, …",
            (*_COMMON, *_ENDPOINT, _REASONING),
            frozenset({"seeds", "logprobs", "stop_strings", "cancellation", "structured"})
            | {"label_scores", "embeddings"},
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
                _LACKS,
            ),
            frozenset(
                {"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation"}
                | {"completions", "structured"}
            ),
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
                *_COMMON,
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
"""The kinds that this package brings; `backend_kind` knows those of other packages too."""

COMPOSITES: Final = frozenset({"fallback", "round_robin"})
"""Kinds that stand for other models, which their option `models` lists."""


def backend_kind(name: str) -> BackendKind | None:
    """The kind of that name, from this package or another; None when there is none.

    Raises `BackendError` where the other package cannot be loaded.
    """
    kind = BACKENDS.get(name)
    if kind is not None:
        return kind
    found = plugin(name)
    return None if found is None else found.kind


def backend_names() -> tuple[str, ...]:
    """The names of all kinds."""
    return (*BACKENDS, *_entries())


@cache
def plugin(name: str) -> Any:
    """What the entry point of that name stands for: an object with `kind` and `open`, or None.

    Raises `BackendError` where it cannot be loaded, or is no such object.
    """
    entry = _entries().get(name)
    if entry is None:
        return None
    package = f"the package `{entry.dist.name}`" if entry.dist else "another package"
    try:
        found = entry.load()
    except Exception as error:  # whatever the code of others may do
        raise BackendError(
            f"the backend `{name}` of {package} cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    kind = getattr(found, "kind", None)
    if not isinstance(kind, BackendKind) or kind.name != name or not hasattr(found, "open"):
        raise BackendError(f"`{entry.value}` of {package} is no `BackendPlugin` of kind `{name}`")
    return found


@cache
def _entries() -> dict[str, EntryPoint]:
    """The entry points of all packages; none of them is loaded before its backend is named."""
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def declared_capabilities(backend: str, options: Mapping[str, Any]) -> frozenset[str]:
    """What a model of that backend with these options can do, as far as the file tells.

    Everything, where the backend is unknown: that has been reported.
    """
    kind = backend_kind(backend)
    if kind is None:
        return frozenset(CAPABILITIES)
    has = frozenset(options.get("has") or ())
    return (kind.capabilities | has) - frozenset(options.get("lacks") or ())

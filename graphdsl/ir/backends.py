"""What each kind of backend accepts in a `model` block, and what it can do at best.

Data only, so that the checker can judge a file without opening a model. A running backend's
own `Capabilities` record is the last word; this table is what `graphdsl check` promises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a `model` block. `kind` is number, int, text, bool or texts (list of text).

    `words` are the only texts that it may have, where there are such. `needs` is the capability
    without which the entry means nothing.
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
    """A backend that a file may name, its options and its declared capabilities."""

    name: str
    doc: str
    options: tuple[Option, ...]
    capabilities: frozenset[str]

    def option(self, name: str) -> Option | None:
        """The option of that name, if this backend has it."""
        return next((option for option in self.options if option.name == name), None)


CAPABILITIES: Final[Mapping[str, str]] = {
    "seeds": "the same seed gives the same text",
    "logprobs": "a reply comes with the log-probabilities of its tokens",
    "stop_strings": "given strings end a generation",
    "cancellation": "a generation in flight can be stopped",
    "prefix_continuation": "a prompt whose last turn is `assistant` is continued",
}
"""What a backend may be able to do, each with its meaning."""

SAMPLING: Final = (
    Option("temperature", "number", "sampling temperature; 0 is greedy", 0, 5),
    Option("max_tokens", "int", "most tokens that one call may generate", 1, 1_000_000),
    Option("top_p", "number", "nucleus sampling mass", 0, 1),
    Option("stop", "texts", "strings that end a generation", needs="stop_strings"),
)

BACKENDS: Final = {
    kind.name: kind
    for kind in (
        BackendKind(
            "embedded",
            "a GGUF model in this process, on the CPU, through llama.cpp",
            (
                *SAMPLING,
                Option("slots", "int", "generations that run at the same time", 1, 256),
                Option("context", "int", "tokens of context for one generation", 64, 1_000_000),
                Option(
                    "threads", "int", "CPU threads; default: the CPUs this process may use", 1, 1024
                ),
            ),
            frozenset({"seeds", "logprobs", "stop_strings", "cancellation", "prefix_continuation"}),
        ),
        BackendKind(
            "simulated",
            "a model of a model: deterministic by seed, for tests and planning; it knows nothing",
            (
                *SAMPLING,
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
        ),
    )
}


def declared_capabilities(backend: str, options: Mapping[str, Any]) -> frozenset[str]:
    """What a model of that backend with these options can do, as far as the file tells.

    Everything, where the backend is unknown: that has been reported.
    """
    kind = BACKENDS.get(backend)
    if kind is None:
        return frozenset(CAPABILITIES)
    return kind.capabilities - frozenset(options.get("lacks") or ())

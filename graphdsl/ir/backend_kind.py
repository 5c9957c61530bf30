"""What a kind of backend is: its options and capabilities, and the options that most kinds have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


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
    `name`. `required` are the options that it needs beside that. `files`: its `name` may be the
    path of a file or folder.
    """

    name: str
    doc: str
    options: tuple[Option, ...]
    capabilities: frozenset[str]
    free: bool = True
    named: bool = True
    required: tuple[str, ...] = ()
    files: bool = False

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

PLACEMENT: Final = (
    Option("device", "text", "what it runs on, such as `gpu0`: models of one device run in turns"),
)
"""Where a model runs."""

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

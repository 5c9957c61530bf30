"""The operators that a file may call: their signatures. `OPERATORS` is the visible table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from graphdsl.ir.entities import ModelSpec
from graphdsl.ir.types import (
    ANSWER,
    BOOL,
    DOC,
    DOCS,
    DRAFT,
    DRAFTS,
    MEMORY,
    MESSAGES,
    MODEL,
    MODELS,
    NUMBER,
    PROMPT,
    TEXT,
    TEXTS,
    UNKNOWN,
    VERDICT,
    ListOf,
    OptionalOf,
    Type,
    Unknown,
)
from graphdsl.ops.signature import Attrs, Bound, Operator, Param

WORDS: Final = ("text", "number", "choice")
"""How answers are compared: as normalised text, as a number, as a letter of a multiple choice."""

METHODS: Final = ("bm25", "embedding", "hybrid")
"""How a memory ranks its entries: by shared words, by meaning, or by both."""

_ITEMS: Final = ListOf(UNKNOWN)


def _always(kind: Type) -> Callable[[Mapping[str, Type]], Type]:
    return lambda types: kind


def _same(name: str) -> Callable[[Mapping[str, Type]], Type]:
    return lambda types: types.get(name, UNKNOWN)


def _item(name: str) -> Callable[[Mapping[str, Type]], Type]:
    def result(types: Mapping[str, Type]) -> Type:
        kind = types.get(name, UNKNOWN)
        if kind == DOCS:
            return DOC
        return kind.item if isinstance(kind, ListOf) else UNKNOWN

    return result


def _end(name: str) -> Callable[[Mapping[str, Type]], Type]:
    """An item of a list that may be empty: a draft can say so itself, other items are absent."""
    item = _item(name)

    def result(types: Mapping[str, Type]) -> Type:
        kind = item(types)
        sound = kind == DRAFT or isinstance(kind, OptionalOf | Unknown)
        return kind if sound else OptionalOf(kind)

    return result


def _present(types: Mapping[str, Type]) -> Type:
    """The type of a value that is there, else that of its default."""
    value = types.get("value", UNKNOWN)
    present = value.item if isinstance(value, OptionalOf) else value
    return types.get("default", UNKNOWN) if isinstance(present, Unknown) else present


def _executed(types: Mapping[str, Type]) -> Type:
    """As many drafts as are given; one for a draft or a text."""
    return DRAFTS if isinstance(types.get("of"), ListOf) else DRAFT


def _judged(types: Mapping[str, Type]) -> Type:
    """As many verdicts as there are drafts."""
    return ListOf(VERDICT) if isinstance(types.get("drafts"), ListOf) else VERDICT


def _one_call(attrs: Attrs) -> Bound:
    return Bound(0, 1)


def _asked(attrs: Attrs) -> Bound:
    """One call, and one more for each time that a reply could not be parsed."""
    return Bound(0, 1 + int(attrs.get("retries") or 0))


def _collaborated(attrs: Attrs) -> Bound:
    """One call for each node."""
    return Bound(0, int(attrs.get("nodes") or 0))


def _generated(attrs: Attrs) -> Bound:
    """All samples of every model and temperature; one where the temperature is known to be 0.

    At least those that a stop rule needs.
    """
    samples = int(attrs.get("samples") or 0)
    total = sum(
        min(samples, 1) if temperature == 0 else samples
        for model in _several(attrs.get("models") or ())
        for temperature in _several(_temperature(attrs, model))
    )
    enough = attrs.get("enough")
    until = attrs.get("until") if enough is None else ("any_complete", int(enough))
    if until is None:
        return Bound(total, total)
    from graphdsl.ops.quorum import least_items  # brings the reading of answers with it

    return Bound(least_items(until, total), total)


def _temperature(attrs: Attrs, model: Any) -> Any:
    given = attrs.get("temperature")
    own = model.setting("temperature", 1) if isinstance(model, ModelSpec) else 1
    return own if given is None else given


def _several(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)  # pyright: ignore[reportUnknownVariableType]


_BY: Final = Param("by", "the model that does it", (MODEL,), static=True)
_QUESTION: Final = Param(
    "question",
    "what the drafts answer; default: the prompt that the first draft was generated from",
    (TEXT,),
    default=None,
)
_USING: Final = Param(
    "using", "critiques, one per draft, in the same order", (TEXTS,), default=None
)
_TEMPERATURE: Final = Param(
    "temperature",
    "sampling temperature; default: the model's own, else 0",
    (NUMBER,),
    default=None,
    static=True,
    low=0,
    high=5,
)
_MAX_TOKENS: Final = Param(
    "max_tokens",
    "most tokens of one reply; default: the model's own",
    (NUMBER,),
    default=None,
    static=True,
    low=1,
    integer=True,
)
_RETRIES: Final = Param(
    "retries",
    "how often to ask again when the reply cannot be parsed; each is a call",
    (NUMBER,),
    default=0,
    static=True,
    low=0,
    high=10,
    integer=True,
)
_DEADLINE: Final = Param(
    "deadline",
    "how long it may take: samples that are late are cut off, and it goes on with what it has",
    (NUMBER,),
    default=None,
    static=True,
    units=("seconds", "minutes"),
)
_TIMEOUT: Final = Param(
    "timeout",
    "how long one run of the code may take; default: 10 seconds",
    (NUMBER,),
    default=None,
    static=True,
    units=("seconds", "minutes"),
)
_MIN_SUCCESS: Final = Param(
    "min_success",
    "how many drafts must be complete; with fewer the result is a failed draft that says so",
    (NUMBER,),
    default=None,
    static=True,
    low=1,
    integer=True,
)


def _enough(doc: str) -> Param:
    return Param("enough", doc, (NUMBER,), default=None, static=True, low=1, integer=True)


def _role(default: str, *provides: str) -> Param:
    return _role_of("prompt", default, *provides)


def _role_of(name: str, default: str, *provides: str) -> Param:
    doc = f"the role prompt; it may use {', '.join(f'`{name}`' for name in provides)}"
    return Param(name, doc, (PROMPT,), default=default, static=True, provides=provides)


def _by_word(doc: str, default: str = "text") -> Param:
    return Param("by", doc, default=default, static=True, words=WORDS)


_SIGNATURES: Final = (
    Operator(
        "generate",
        "Draws samples of one prompt from every model, in order: model, then temperature, then "
        "sample. A sample that fails is a draft whose `finish` says so.",
        (
            Param("prompt", "what to ask: a prompt call or a text", (MESSAGES,)),
            Param(
                "context",
                "texts put before the question, in order; empty ones are left out",
                (TEXTS, TEXT),
                default=None,
            ),
            Param("models", "the models to ask", (MODELS,), static=True),
            Param(
                "samples",
                "samples per model and temperature",
                (NUMBER,),
                default=1,
                static=True,
                low=1,
                high=100_000,
                integer=True,
            ),
            Param(
                "temperature",
                "sampling temperature, or a list of them; default: the model's own, else 0.7",
                (NUMBER,),
                default=None,
                static=True,
                low=0,
                high=5,
                many=True,
            ),
            _MAX_TOKENS,
            Param(
                "stop",
                "strings that end a generation",
                (TEXT,),
                default=None,
                static=True,
                many=True,
                needs="stop_strings",
            ),
            Param(
                "seed",
                "fixes the seeds of this node; default: from the run's seed and the node's address",
                (NUMBER,),
                default=None,
                static=True,
                low=0,
                high=2**31 - 1,
                integer=True,
                needs="seeds",
            ),
            _enough(
                "return when so many drafts are complete, whichever they are, and cancel the "
                "others (first-finish search); default: wait for all"
            ),
            _DEADLINE,
        ),
        _always(DRAFTS),
        calls=_generated,
        attached=frozenset({"until"}),
        source="Brown et al. 2024, Large Language Monkeys, arXiv 2407.21787",
    ),
    Operator(
        "vote",
        "The most frequent answer among complete drafts (self-consistency): the first draft of the "
        "largest group, with `confidence` = its share of all complete drafts.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            _by_word("what makes two answers equal"),
            Param(
                "stop",
                "when further drafts are not needed: `decided`, no draft left can change the "
                "winner; `posterior`, the winner probably stays ahead; default: all count",
                default=None,
                static=True,
                words=("decided", "posterior"),
            ),
            Param(
                "level",
                "how probably the winner must stay ahead with `stop: posterior`; default: 0.95",
                (NUMBER,),
                default=None,
                static=True,
                low=0.5,
                high=0.999999,
            ),
            _MIN_SUCCESS,
        ),
        _always(DRAFT),
        unordered=frozenset({"drafts"}),
        source="Wang et al. 2022, Self-Consistency, arXiv 2203.11171",
    ),
    Operator(
        "rank",
        "Orders drafts from best to worst by one listwise judgement and keeps the first `keep`.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            _USING,
            Param(
                "keep",
                "how many to keep; default: all",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            _BY,
            _QUESTION,
            _TEMPERATURE,
            _MAX_TOKENS,
            _RETRIES,
            _role("std.roles.rank", "question", "candidates", "count"),
            _MIN_SUCCESS,
            _DEADLINE,
        ),
        _always(DRAFTS),
        calls=_asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "critique",
        "Strengths and weaknesses of every draft by one call: one text per draft, same order.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            _BY,
            _QUESTION,
            _TEMPERATURE,
            _MAX_TOKENS,
            _RETRIES,
            _role("std.roles.critique", "question", "candidates", "count"),
            _MIN_SUCCESS,
            _DEADLINE,
        ),
        _always(TEXTS),
        calls=_asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "fuse",
        "One new draft made from all complete drafts (and their critiques).",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            _USING,
            _BY,
            _QUESTION,
            _TEMPERATURE,
            _MAX_TOKENS,
            _role("std.roles.fuse", "question", "candidates", "count"),
            _MIN_SUCCESS,
            _DEADLINE,
        ),
        _always(DRAFT),
        calls=_one_call,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "verify",
        "Judges one draft: reasons first, then a verdict.",
        (
            Param("draft", "what to judge", (DRAFT,)),
            _BY,
            _QUESTION,
            _TEMPERATURE,
            _MAX_TOKENS,
            _RETRIES,
            _role("std.roles.verify", "question", "candidate"),
            _DEADLINE,
        ),
        _always(VERDICT),
        calls=_asked,
        source="Saad-Falcon et al. 2024, Archon, arXiv 2409.15254",
    ),
    Operator(
        "revise",
        "A new draft that improves one draft in the light of a text.",
        (
            Param("draft", "what to improve", (DRAFT,)),
            Param(
                "using", "feedback, critiques, or what others answered", (TEXTS, TEXT), default=None
            ),
            _BY,
            _QUESTION,
            _TEMPERATURE,
            _MAX_TOKENS,
            _role("std.roles.revise", "question", "candidate", "feedback"),
            _DEADLINE,
        ),
        _always(DRAFT),
        calls=_one_call,
        source="Madaan et al. 2023, Self-Refine, arXiv 2303.17651",
    ),
    Operator(
        "collaborate",
        "A whole graph of roles and models that a search may change: every edge, role and model "
        "is a hole. The last node merges what the others answered.",
        (
            Param("question", "what all nodes work on: a prompt call or a text", (MESSAGES,)),
            Param(
                "nodes",
                "how many nodes, the last one included",
                (NUMBER,),
                static=True,
                low=2,
                high=64,
                integer=True,
            ),
            Param(
                "roles",
                "what a node may be",
                static=True,
                words=("assistant", "fuser"),
                many=True,
            ),
            Param("models", "the models that a node may use", (MODELS,), static=True),
            _TEMPERATURE,
            _MAX_TOKENS,
            _role_of("refine", "std.roles.revise", "question", "candidate", "feedback"),
            _role_of("fuse", "std.roles.fuse", "question", "candidates", "count"),
        ),
        _always(DRAFT),
        calls=_collaborated,
        source="Agent-REINFORCE, arXiv 2511.00086",
    ),
    Operator(
        "recall",
        "The entries of a memory that fit a query best, as they were when the run began: by words "
        "(BM25), by meaning (cosine of embeddings), or by both (reciprocal rank fusion).",
        (
            Param("memory", "where to look", (MEMORY,), static=True),
            Param("query", "what to look for", (TEXT,)),
            Param(
                "top",
                "at most so many entries",
                (NUMBER,),
                default=4,
                static=True,
                low=0,
                integer=True,
            ),
            Param("method", "how to rank", default="bm25", static=True, words=METHODS),
        ),
        _always(DOCS),
        positional=2,
        source="Robertson & Zaragoza 2009, The Probabilistic Relevance Framework; Cormack et al. "
        "2009, Reciprocal Rank Fusion",
    ),
    Operator(
        "remember",
        "Adds a text to a memory when the run ends well (its status is `ok`); gives the text back.",
        (
            Param("memory", "where to keep it", (MEMORY,), static=True),
            Param("text", "what to keep; an empty text is not kept", (TEXT,)),
            Param("key", "an entry of the same key is replaced", (TEXT,), default=None),
        ),
        _always(TEXT),
        positional=2,
        effect=True,
    ),
    Operator(
        "recall_concepts",
        "The concepts of a memory that a model chooses for a problem: it sees all of them in short "
        "and answers with names.",
        (
            Param("memory", "where to look", (MEMORY,), static=True),
            Param("query", "the problem", (TEXT,)),
            Param(
                "top",
                "at most so many concepts",
                (NUMBER,),
                default=5,
                static=True,
                low=0,
                integer=True,
            ),
            Param(
                "shown",
                "at most so many concepts to choose from; of more, those that fit the problem best",
                (NUMBER,),
                default=200,
                static=True,
                low=0,
                integer=True,
            ),
            _BY,
            _TEMPERATURE,
            _MAX_TOKENS,
            _RETRIES,
            _role("std.roles.select_concepts", "question", "concepts", "count"),
            _DEADLINE,
        ),
        _always(DOCS),
        positional=2,
        calls=_asked,
        source="ArcMemo: Abstract Reasoning Composition with Lifelong LLM Memory, arXiv 2509.04439",
    ),
    Operator(
        "remember_concepts",
        "Has a model name the reusable concepts in a solution, merges them by name into a memory "
        "when the run ends well, and gives them.",
        (
            Param("memory", "where to keep them", (MEMORY,), static=True),
            Param("solution", "a solved problem's solution", (TEXT,)),
            Param("question", "the problem that it solves", (TEXT,)),
            _BY,
            _TEMPERATURE,
            _MAX_TOKENS,
            _RETRIES,
            _role("std.roles.abstract_concepts", "question", "solution"),
            _DEADLINE,
        ),
        _always(DOCS),
        positional=2,
        calls=_asked,
        effect=True,
        source="ArcMemo: Abstract Reasoning Composition with Lifelong LLM Memory, arXiv 2509.04439",
    ),
    Operator(
        "extract",
        "The answer within a text: after `Answer:`, `####` or in `\\boxed{}`; else by kind.",
        (
            Param("of", "a draft or a text", (DRAFT, TEXT)),
            _by_word("what kind of answer to look for"),
        ),
        _always(ANSWER),
    ),
    Operator(
        "first",
        "The first item. An empty list has none: then a failed draft where it is a list of drafts, "
        "else absent (the type is `T?`).",
        (Param("items", "a list", (_ITEMS,)),),
        _end("items"),
        typed=True,
    ),
    Operator(
        "last",
        "The last item. An empty list has none: then a failed draft where it is a list of drafts, "
        "else absent (the type is `T?`).",
        (Param("items", "a list", (_ITEMS,)),),
        _end("items"),
        typed=True,
    ),
    Operator(
        "otherwise",
        "The value, or the default where it is absent.",
        (
            Param("value", "what may be absent", (OptionalOf(UNKNOWN),)),
            Param("default", "what takes its place, of the same type", (UNKNOWN,)),
        ),
        _present,
        positional=2,
    ),
    Operator(
        "take",
        "The first `count` items.",
        (
            Param("items", "a list", (_ITEMS,)),
            Param("count", "how many", (NUMBER,), static=True, low=0, integer=True),
        ),
        _same("items"),
        positional=2,
    ),
    Operator(
        "concat",
        "Lists one after the other.",
        (Param("lists", "two or more lists of one type", (_ITEMS,), rest=True),),
        _same("0"),
    ),
    Operator(
        "append",
        "A list with one more item at its end.",
        (Param("items", "a list", (_ITEMS,)), Param("item", "what to add", (UNKNOWN,))),
        _same("items"),
        positional=2,
    ),
    Operator(
        "count",
        "How many items a list has.",
        (Param("items", "a list", (_ITEMS,)),),
        _always(NUMBER),
        unordered=frozenset({"items"}),
    ),
    Operator(
        "complete",
        "Only the drafts that ended by themselves: not truncated, failed or cancelled.",
        (Param("drafts", "the candidates", (DRAFTS,)),),
        _always(DRAFTS),
    ),
    Operator(
        "passing",
        "Only the drafts whose verdict passed; all of them when none did.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param("verdicts", "one verdict per draft, in order", (ListOf(VERDICT),)),
            _enough(
                "as soon as so many have passed, whichever they are, judge no more; default: "
                "judge all"
            ),
        ),
        _always(DRAFTS),
        positional=2,
    ),
    Operator(
        "best",
        "The complete draft with the highest score; ties: mean log-probability, then the earliest.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param(
                "stop",
                "`decided`: drafts after the first with the score 1 do not count, and need not be "
                "judged; default: all count",
                default=None,
                static=True,
                words=("decided",),
            ),
            _MIN_SUCCESS,
        ),
        _always(DRAFT),
    ),
    Operator(
        "shortest",
        "The complete drafts with the fewest tokens, shortest first: those that would have "
        "finished first.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param(
                "keep",
                "how many to keep; default: all",
                (NUMBER,),
                default=None,
                static=True,
                low=1,
                integer=True,
            ),
            _MIN_SUCCESS,
        ),
        _always(DRAFTS),
        source="Agarwal et al. 2025, First Finish Search, arXiv 2505.18149",
    ),
    Operator(
        "exec",
        "Runs the Python code of a reply (its last fenced block) in a sandbox: a draft whose text "
        "is what the code printed, and whose answer is the last line of that. Code that fails "
        "gives a failed draft.",
        (
            Param("of", "drafts, a draft or a text", (DRAFTS, DRAFT, TEXT)),
            Param("stdin", "what the code reads from its standard input", (TEXT,), default=None),
            _TIMEOUT,
        ),
        _executed,
        outside=True,
        source="Chen et al. 2022, Program of Thoughts, arXiv 2211.12588",
    ),
    Operator(
        "unit_tests",
        "Judges the Python code of each draft by tests that it never sees: one verdict per draft, "
        "in order, with `score` = the share of tests that passed.",
        (
            Param("drafts", "the candidates", (DRAFTS, DRAFT)),
            Param(
                "tests",
                'Python asserts, or JSON such as `{"args": [2], "returns": 4}` or '
                '`{"stdin": "2", "stdout": "4"}`',
                (TEXTS, TEXT),
            ),
            Param("before", "code that is put before each draft's", (TEXT,), default=None),
            Param(
                "entry",
                "the function that `candidate` stands for; default: the last one of the code",
                (TEXT,),
                default=None,
            ),
            _TIMEOUT,
        ),
        _judged,
        outside=True,
        source="Chen et al. 2022, CodeT, arXiv 2207.10397",
    ),
    Operator(
        "scored",
        "The drafts, each with the score of its verdict, for `best` and `vote`.",
        (
            Param("drafts", "the candidates", (DRAFTS,)),
            Param("verdicts", "one verdict per draft, in order", (ListOf(VERDICT),)),
        ),
        _always(DRAFTS),
        positional=2,
    ),
    Operator(
        "texts",
        "The text of every item.",
        (Param("items", "drafts, answers or documents", (_ITEMS,)),),
        _always(TEXTS),
    ),
    Operator(
        "join",
        "Texts as one text.",
        (
            Param("texts", "the texts, in order; empty ones are left out", (TEXTS,)),
            Param("separator", "what stands between two", (TEXT,), default="\n\n", static=True),
        ),
        _always(TEXT),
    ),
    Operator(
        "contains",
        "Whether a text holds another, ignoring case.",
        (
            Param("text", "where to look", (TEXT,)),
            Param("part", "what to look for", (TEXT,)),
        ),
        _always(BOOL),
        positional=2,
    ),
)

OPERATORS: Final[Mapping[str, Operator]] = {operator.name: operator for operator in _SIGNATURES}
"""Every operator by name."""

"""Random valid graphs for property tests: `graphs()` draws them, open or closed.

Every value has its exact type, so `verify` accepts each graph; control nodes nest two deep.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from graphdsl.ir.entities import EnvVar, MemorySpec, ModelSpec, PromptSpec
from graphdsl.ir.nodes import (
    Attr,
    Choices,
    Graph,
    Hole,
    HoleRef,
    Input,
    Interval,
    Node,
    Region,
    Symbol,
)
from graphdsl.ir.types import (
    BOOL,
    DRAFT,
    DRAFTS,
    MESSAGES,
    NUMBER,
    TEXT,
    TEXTS,
    VERDICT,
    ListOf,
    OptionalOf,
    RecordOf,
    Type,
)

MODELS = (
    ModelSpec("tiny", "simulated", "", {"accuracy": 0.5, "max_tokens": 64}),
    ModelSpec("big", "simulated", "", {"accuracy": 0.9, "stop": ("\n", "é")}),
    ModelSpec(
        "safe",
        "fallback",
        "",
        {
            "temperature": 1,
            "models": (
                ModelSpec("far.a b", "openai", 'x"', {"api_key": EnvVar("KEY"), "stream": True}),
                ModelSpec("tiny", "simulated", "", {"accuracy": 0.5, "max_tokens": 64}),
            ),
        },
    ),
)
PROMPTS = (
    PromptSpec("solve", ("question",), (("system", "Think.\nHard."), ("user", "{{ question }}"))),
    PromptSpec(
        "std.roles.verify", ("question", "candidate"), (("user", "Is it {{ candidate }}?\n"),)
    ),
)
MEMORIES = (MemorySpec("notes", None), MemorySpec("book", "/srv/book.db", {"size": 3}))

Values = list[tuple[str, Type]]


class Maker:
    """Draws nodes one after the other. `scope` holds the visible values, `nodes` the region."""

    def __init__(self, draw: st.DrawFn, open_graph: bool) -> None:
        self.draw = draw
        self.open = open_graph
        self.scope: Values = [("f.question", TEXT)]
        self.nodes: list[Node] = []
        self.holes: list[Hole] = []
        self.count = 0

    def fresh(self, word: str) -> str:
        """An id that no value has."""
        self.count += 1
        return f"f.{word}_{self.count}"

    def add(
        self,
        op: str,
        kind: Type,
        inputs: list[tuple[str, str]] | None = None,
        attrs: list[tuple[str, Attr]] | None = None,
        regions: list[Region] | None = None,
    ) -> str:
        """Add a node and give its id."""
        node_id = self.fresh(op)
        node = Node(
            node_id, op, kind, tuple(inputs or ()), tuple(attrs or ()), tuple(regions or ())
        )
        self.nodes.append(node)
        self.scope.append((node_id, kind))
        return node_id

    def value(self, kind: Type) -> str:
        """A visible value of a type, made first if there is none."""
        found = [name for name, have in self.scope if have == kind]
        if found and self.draw(st.integers(0, 4)):
            return self.draw(st.sampled_from(found))
        return self.make(kind)

    def make(self, kind: Type) -> str:
        """A new value of a type."""
        makers: dict[Type, Callable[[], str]] = {
            TEXT: lambda: self.literal(st.text(max_size=5), TEXT),
            NUMBER: lambda: self.literal(
                st.integers() | st.floats(allow_nan=False, width=32), NUMBER
            ),
            BOOL: self.compare,
            DRAFTS: self.generate,
            DRAFT: lambda: self.add("first", DRAFT, [("items", self.value(DRAFTS))]),
            MESSAGES: self.render,
            TEXTS: lambda: self.add("texts", TEXTS, [("items", self.value(DRAFTS))]),
            VERDICT: self.verify,
        }
        return makers[kind]()

    def literal(self, values: st.SearchStrategy[Attr], kind: Type) -> str:
        """A constant."""
        return self.add("const", kind, attrs=[("value", self.draw(values))])

    def compare(self) -> str:
        """A comparison of two texts or numbers."""
        kind = self.draw(st.sampled_from([TEXT, NUMBER]))
        inputs = [("left", self.value(kind)), ("right", self.value(kind))]
        op = self.draw(st.sampled_from(["==", "!=", "<", ">="]))
        return self.add("compare", BOOL, inputs, [("op", op)])

    def generate(self) -> str:
        """Samples; how many may be a hole."""
        models = self.draw(
            st.lists(st.sampled_from(["tiny", "big", "safe"]), min_size=1, max_size=3)
        )
        samples = self.hole(self.draw(st.integers(1, 4)))
        attrs: list[tuple[str, Attr]] = [
            ("models", tuple(Symbol("model", name) for name in models)),
            ("samples", samples),
        ]
        if self.draw(st.booleans()):
            attrs.append(("temperature", self.draw(st.sampled_from([0.5, 1, (0.2, 1.0), (1.5,)]))))
        return self.add("generate", DRAFTS, [("prompt", self.value(MESSAGES))], attrs)

    def hole(self, default: int) -> Attr:
        """A number, or in open graphs perhaps a hole with that default."""
        if not self.open or self.draw(st.booleans()):
            return default
        address = self.fresh("hole")
        if self.draw(st.booleans()):
            domain, start = Interval(1, 8, 1, True), default
        else:
            labels = tuple(dict.fromkeys((str(default), "2", "many")))
            values = tuple(9 if label == "many" else int(label) for label in labels)
            domain, start = Choices(labels, values), str(default)
        self.holes.append(Hole(address, start, domain))
        return HoleRef(address)

    def render(self) -> str:
        """A prompt call."""
        inputs = [("question", self.value(TEXT))]
        return self.add("render", MESSAGES, inputs, [("prompt", Symbol("prompt", "solve"))])

    def verify(self) -> str:
        """A verdict."""
        attrs: list[tuple[str, Attr]] = [
            ("by", Symbol("model", "tiny")),
            ("prompt", Symbol("prompt", "std.roles.verify")),
        ]
        return self.add("verify", VERDICT, [("draft", self.value(DRAFT))], attrs)

    def inside(self, params: Values, depth: int) -> tuple[Maker, tuple[tuple[str, Type], ...]]:
        """A maker for a region with these parameters, with some nodes in it."""
        inner = Maker(self.draw, self.open)
        inner.scope, inner.holes, inner.count = [*self.scope, *params], self.holes, self.count
        for _ in range(self.draw(st.integers(0, 2))):
            inner.step(depth)
        return inner, tuple(params)

    def close(
        self, name: str, made: tuple[Maker, tuple[tuple[str, Type], ...]], *results: tuple[str, str]
    ) -> Region:
        """The region that a maker filled."""
        inner, params = made
        self.count = inner.count
        return Region(name, params, tuple(inner.nodes), results)

    def step(self, depth: int) -> str:
        """Some node, with what it needs."""
        flat = [
            self.vote, self.pool, self.logic, self.record, self.judged, self.keep, self.lists,
            self.converted,
        ]  # fmt: skip
        nested = [self.repeat, self.each, self.fold, self.branch, self.within]
        choices = [self.optional, self.choice] if self.open else []
        if depth and self.draw(st.integers(0, 2)) == 0:
            return self.draw(st.sampled_from([*nested, *choices]))(depth - 1)
        return self.draw(st.sampled_from(flat))()

    def vote(self) -> str:
        """A vote."""
        attrs: list[tuple[str, Attr]] = [("by", self.draw(st.sampled_from(["text", "number"])))]
        return self.add("vote", DRAFT, [("drafts", self.value(DRAFTS))], attrs)

    def pool(self) -> str:
        """Lists one after the other."""
        size = self.draw(st.integers(2, 3))
        return self.add("concat", DRAFTS, [(str(i), self.value(DRAFTS)) for i in range(size)])

    def logic(self) -> str:
        """A condition on conditions."""
        if self.draw(st.booleans()):
            return self.add("not", BOOL, [("of", self.value(BOOL))])
        op = self.draw(st.sampled_from(["and", "or"]))
        return self.add(op, BOOL, [("0", self.value(BOOL)), ("1", self.value(BOOL))])

    def record(self) -> str:
        """A field of a new record."""
        kind = RecordOf((("a", TEXT), ("b", DRAFT)))
        made = self.add("record", kind, [("a", self.value(TEXT)), ("b", self.value(DRAFT))])
        return self.add("field", DRAFT, [("of", made)], [("name", "b")])

    def judged(self) -> str:
        """A field of a verdict."""
        return self.add("field", BOOL, [("of", self.value(VERDICT))], [("name", "passed")])

    def keep(self) -> str:
        """Something with an effect."""
        memory = Symbol("memory", self.draw(st.sampled_from(["notes", "book"])))
        return self.add("remember", TEXT, [("text", self.value(TEXT))], [("memory", memory)])

    def lists(self) -> str:
        """A list of drafts."""
        return self.add("list", DRAFTS, [(str(i), self.value(DRAFT)) for i in range(2)])

    def converted(self) -> str:
        """An explicit coercion."""
        return self.add("convert", TEXT, [("of", self.value(DRAFT))], [("to", "Text")])

    def read(self, scope: str, *fields: tuple[str, Type]) -> str:
        """Fields of a loop's or scope's record."""
        return [self.add("field", k, [("of", scope)], [("name", n)]) for n, k in fields][-1]

    def repeat(self, depth: int) -> str:
        """A loop that carries a text and exports drafts."""
        start, param = self.value(TEXT), (self.fresh("carried"), TEXT)
        rounds = self.hole(self.draw(st.integers(1, 3)))
        made = self.inside([param], depth)
        results = [("next.note", made[0].value(TEXT)), ("drafts", made[0].value(DRAFTS))]
        attrs: list[tuple[str, Attr]] = [("rounds", rounds)]
        if self.draw(st.booleans()):
            attrs.append(("until", True))
            results.append(("until", made[0].value(BOOL)))
        if self.draw(st.booleans()):
            attrs.append(("keep", "best"))
            results.append(("score", made[0].value(NUMBER)))
        region = self.close("body", made, *results)
        kind = RecordOf((("drafts", DRAFTS), ("note", TEXT)))
        loop = self.add("repeat", kind, [("note", start)], attrs, [region])
        return self.read(loop, ("note", TEXT), ("drafts", DRAFTS))

    def each(self, depth: int) -> str:
        """A parallel loop."""
        items, kind = self.value(DRAFTS), self.draw(st.sampled_from([TEXT, DRAFT]))
        made = self.inside([(self.fresh("item"), DRAFT)], depth)
        region = self.close("body", made, ("yield", made[0].value(kind)))
        bound = self.hole(self.draw(st.integers(1, 4)))
        return self.add("each", ListOf(kind), [("items", items)], [("bound", bound)], [region])

    def fold(self, depth: int) -> str:
        """A sequential loop."""
        items, start = self.value(DRAFTS), self.value(TEXT)
        made = self.inside([(self.fresh("item"), DRAFT), (self.fresh("carried"), TEXT)], depth)
        region = self.close("body", made, ("next.acc", made[0].value(TEXT)))
        kind = RecordOf((("acc", TEXT),))
        inputs = [("items", items), ("acc", start)]
        loop = self.add("fold", kind, inputs, [("bound", 3)], [region])
        return self.read(loop, ("acc", TEXT))

    def branches(self, names: list[str], kind: Type, depth: int) -> list[Region]:
        """Regions without parameters, each with one value."""
        regions: list[Region] = []
        for name in names:
            made = self.inside([], depth)
            regions.append(self.close(name, made, ("yield", made[0].value(kind))))
        return regions

    def branch(self, depth: int) -> str:
        """An `if`."""
        kind, condition = self.draw(st.sampled_from([TEXT, DRAFTS])), self.value(BOOL)
        regions = self.branches(["then", "else"], kind, depth)
        return self.add("if", kind, [("condition", condition)], regions=regions)

    def within(self, depth: int) -> str:
        """A budget scope."""
        made = self.inside([], depth)
        region = self.close("body", made, ("best", made[0].value(DRAFT)))
        kind = RecordOf((("best", DRAFT), ("exhausted", BOOL)))
        budget = self.draw(st.sampled_from([(("calls", 3),), (("seconds", 1.5), ("calls", 2))]))
        scope = self.add("within", kind, attrs=[("budget", budget)], regions=[region])
        return self.read(scope, ("exhausted", BOOL), ("best", DRAFT))

    def optional(self, depth: int) -> str:
        """A stage that may be dropped."""
        address = self.fresh("stage")
        self.holes.append(Hole(address, "on", Choices(("on", "off"), (True, False))))
        bypass = self.value(DRAFT)
        regions = self.branches(["body"], DRAFT, depth)
        attrs: list[tuple[str, Attr]] = [("hole", HoleRef(address))]
        return self.add("optional", DRAFT, [("else", bypass)], attrs, regions)

    def choice(self, depth: int) -> str:
        """Labelled alternatives."""
        address = self.fresh("pick")
        when = tuple((hole.address, hole.domain.labels[:1]) for hole in self.holes[:1]
                     if isinstance(hole.domain, Choices))  # fmt: skip
        self.holes.append(Hole(address, "b", Choices(("a", "b"), ("a", "b")), when))
        regions = self.branches(["a", "b"], TEXT, depth)
        return self.add("choice", TEXT, attrs=[("hole", HoleRef(address))], regions=regions)


@st.composite
def graphs(draw: st.DrawFn, *, open_graph: bool | None = None, most: int = 5) -> Graph:
    """A valid graph of at least one node; `open_graph` None draws both kinds."""
    maker = Maker(draw, draw(st.booleans()) if open_graph is None else open_graph)
    for _ in range(draw(st.integers(1, most))):
        maker.step(2)
    result, kind = draw(st.sampled_from(maker.scope))
    hints = Input("hints", OptionalOf(TEXTS), required=False)
    inputs = (Input("question", TEXT), hints)
    params = tuple((f"f.{given.name}", given.type) for given in inputs)
    body = Region("body", params, tuple(maker.nodes), (("return", result),))
    return Graph("f", inputs, body, kind, tuple(maker.holes), MODELS, PROMPTS, MEMORIES)

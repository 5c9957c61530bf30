"""Random well-typed programs, as a hypothesis strategy: `programs()` draws `.tts` texts.

Every text has a flow `main(question: Text)` over the simulated models `sim` and `alt` and two
groups of these, and costs few calls to run. Import it as `from tests.programs import programs`.
"""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

PRELUDE = """edition "2026"

model sim { backend = simulated  seed = 1  accuracy = 0.7 }
model alt { backend = simulated  seed = 2  accuracy = 0.3  temperature = 0.2 }
model safe { backend = fallback  models = [alt, sim] }
model pair { backend = round_robin  models = [safe, sim]  temperature = 0.5 }
pool both = [sim, alt]
memory notes {}

prompt ask(question: Text, hints: Text = "think first") {
  system "You answer questions."
  user "{{ hints }}: {{ question }}"
}
prompt short(question: Text) "{{ question }} ="

flow sample(question: Text, n: Number = 1 in [1, 2], models: Models = both) -> List[Draft] {
  return generate(ask(question: question), models: models, samples: n)
}

flow pick(drafts: List[Draft], by: Scorer = text in [text, number]) -> Answer {
  optional some = take(drafts, 2) else drafts
  return vote(some, by: by)
}

flow refine(question: Text, with: Prompt = ask in [ask, short]) -> List[Draft] {
  drafts = generate(with(question: question), models: sim)
  return [revise(first(drafts), using: "be brief", by: alt)]
}

flow apply(method: Flow, question: Text) -> List[Draft] {
  return method(question: question)
}
"""

RESULTS = {
    "Draft": "Draft",
    "Answer": "Draft",
    "Text": "Answer",
    "List[Text]": "Drafts",
    "List[Draft]": "Drafts",
}
"""Result types of `main`, and the type of what it returns."""

Names = dict[str, list[str]]
"""Names in scope by type; `Drafts` and `Texts` are lists."""

Draw = Callable[[st.SearchStrategy[str]], str]


class Writer:
    """Writes the body of one flow; every name is new, so nothing is bound twice."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.count = 0

    def one_of(self, *options: str) -> str:
        """One of these texts."""
        return self.draw(st.sampled_from(options))

    def maybe(self) -> bool:
        """True or false."""
        return self.draw(st.booleans())

    def name(self, kind: str) -> str:
        """A name that nothing has."""
        self.count += 1
        return f"{kind.lower()}{self.count}"

    # ---- expressions

    def value(self, kind: str, names: Names, depth: int = 0) -> str:
        """An expression of a type: a name in scope, or an operator."""
        known = names.get(kind, [])
        if known and (depth > 1 or self.maybe()):
            return self.one_of(*known)
        return getattr(self, kind.lower())(names, depth + 1)

    def drafts(self, names: Names, depth: int) -> str:
        """A list of drafts."""
        options = ["generate", "sample"]
        if names.get("Drafts") and depth < 3:
            options += ["rank", "take", "complete", "concat", "list"]
        match self.one_of(*options):
            case "generate":
                return self.generate(names, depth)
            case "sample":
                models = self.one_of("", ", models: sim", ", models: [alt]", ", n: 2 in 1..2")
                return f"sample(question{models})"
            case "rank":
                keep = self.one_of("", ", keep: 1", ", keep: 1 in 1..2")
                return f"rank({self.value('Drafts', names, depth)}, by: {self.model(names)}{keep})"
            case "take":
                return f"take({self.value('Drafts', names, depth)}, {self.number(names)})"
            case "complete":
                return f"complete({self.value('Drafts', names, depth)})"
            case "concat":
                parts = [self.value("Drafts", names, depth) for _ in range(2)]
                return f"concat({', '.join(parts)})"
            case _:
                return f"[{self.value('Draft', names, depth)}]"

    def generate(self, names: Names, depth: int) -> str:
        """A call of `generate`."""
        text = self.value("Text", names, depth)
        prompt = self.one_of(text, f"ask(question: {text})", f"ask({text}, hints: {text})")
        models = self.one_of(
            "both",
            "sim",
            "[sim, alt]",
            "sim in both",
            "both in [both, alt]",
            "safe",
            "pair in [pair, sim]",
        )
        rest = self.one_of(
            "",
            ", samples: 2",
            ", temperature: 0.6 in 0.2..1.0 step 0.2",
            ", temperature: [0.2, 1.0]",
        )
        context = f", context: {self.value('Text', names, depth)}" if self.maybe() else ""
        return f"generate({prompt}, models: {models}{rest}{context})"

    def draft(self, names: Names, depth: int) -> str:
        """A draft."""
        drafts = self.value("Drafts", names, depth)
        match self.one_of("vote", "fuse", "end", "revise", "best", "collaborate"):
            case "vote":
                by = self.one_of("", ", by: number", ", by: text in [text, number]")
                return f"vote({drafts}{by})"
            case "fuse":
                using = self.one_of("", *(f", using: {n}" for n in names.get("Notes", [])))
                return f"fuse({drafts}, by: {self.model(names)}{using})"
            case "revise":
                text = self.value("Text", names, depth)
                return f"revise(first({drafts}), using: {text}, by: {self.model(names)})"
            case "best":
                return f"best({drafts})"
            case "collaborate":
                nodes = self.one_of("2", "3", "2 in [2, 3]", "3 in 2..4")
                roles = self.one_of("[assistant, fuser]", "assistant")
                models = self.one_of("both", "sim")
                return f"collaborate(question, nodes: {nodes}, roles: {roles}, models: {models})"
            case _:
                return f"{self.one_of('first', 'last')}({drafts})"

    def verdict(self, names: Names, depth: int) -> str:
        """A verdict."""
        return f"verify({self.value('Draft', names, depth)}, by: {self.model(names)})"

    def texts(self, names: Names, depth: int) -> str:
        """A list of texts."""
        drafts = self.value("Drafts", names, depth)
        return self.one_of(f"texts({drafts})", f"critique({drafts}, by: {self.model(names)})")

    def answer(self, names: Names, depth: int) -> str:
        """An answer."""
        if self.maybe():
            return f"pick({self.value('Drafts', names, depth)})"
        return f"extract({self.value('Draft', names, depth)}, by: number)"

    def text(self, names: Names, depth: int) -> str:
        """A text."""
        options = ["question", '"say it again"']
        options += [f"{name}.text" for name in names.get("Draft", [])]
        options += [f"{name}.reason" for name in names.get("Verdict", [])]
        options += [f"join({name})" for name in names.get("Texts", [])]
        return self.one_of(*options)

    def bool(self, names: Names, depth: int) -> str:
        """A truth value."""
        options = ['question == "stop"']
        options += [f"{name}.passed" for name in names.get("Verdict", [])]
        options += [f"not {name}.tie" for name in names.get("Draft", [])]
        options += [f"count({name}) > 1 and count({name}) <= 3" for name in names.get("Drafts", [])]
        options += [f'{name} == 4 or {name} == "four"' for name in names.get("Answer", [])]
        return self.one_of(*options)

    def model(self, names: Names) -> str:
        """A model."""
        return self.one_of("sim", "alt", "alt in both", "safe", "pair", *names.get("Model", []))

    def number(self, names: Names) -> str:
        """A small whole number that is known at compile time."""
        return self.one_of("1", "2", "1 in [1, 2]", "2 in 1..2", *names.get("Number", []))

    # ---- statements

    def body(self, names: Names, depth: int, most: int) -> list[str]:
        """Statements; what they bind is added to `names`."""
        lines: list[str] = []
        for _ in range(self.draw(st.integers(0, most))):
            lines += self.statement(names, depth)
        return lines

    def statement(self, names: Names, depth: int) -> list[str]:
        """One statement."""
        kinds = ["bind", "bind", "optional", "notes", "choice", "if", "apply", "remember"]
        nested = ["repeat", "until", "each", "fold", "within"] if depth < 2 else []
        nested += ["tune"] if depth == 0 else []
        return getattr(self, f"a_{self.one_of(*kinds, *nested)}")(names, depth)

    def bound(self, kind: str, names: Names) -> str:
        """A new name of a type, in scope from here on."""
        name = self.name(kind)
        names.setdefault(kind, []).append(name)
        return name

    def any_kind(self) -> str:
        """A type that a name may have."""
        return self.one_of("Drafts", "Draft", "Verdict", "Texts", "Answer", "Text", "Bool")

    def a_bind(self, names: Names, depth: int) -> list[str]:
        """A binding."""
        kind = self.any_kind()
        value = self.value(kind, names)
        return [f"{self.bound(kind, names)} = {value}"]

    def a_tune(self, names: Names, depth: int) -> list[str]:
        """A shared hole."""
        if self.maybe():
            return [f"tune {self.bound('Model', names)} = sim in both"]
        return [f"tune {self.bound('Number', names)} = 1 in [1, 2]"]

    def a_optional(self, names: Names, depth: int) -> list[str]:
        """A stage with a bypass."""
        kind = self.one_of("Drafts", "Draft")
        value, other = self.value(kind, names), self.value(kind, names)
        return [f"optional {self.bound(kind, names)} = {value} else {other}"]

    def a_notes(self, names: Names, depth: int) -> list[str]:
        """A stage without a bypass."""
        value = f"critique({self.value('Drafts', names)}, by: {self.model(names)})"
        return [f"optional {self.bound('Notes', names)} = {value}"]

    def a_choice(self, names: Names, depth: int) -> list[str]:
        """Labelled alternatives, one of them a block."""
        kind = self.one_of("Drafts", "Draft", "Answer")
        plain, block = self.value(kind, names), self.block(kind, names, depth)
        default = self.one_of("", " b")
        name = self.bound(kind, names)
        return [f"{name} = choice{default} {{", f"  a: {plain},", f"  b: {block},", "}"]

    def a_if(self, names: Names, depth: int) -> list[str]:
        """A branch."""
        kind = self.one_of("Drafts", "Draft", "Text")
        test = self.value("Bool", names)
        then, other = (self.block(kind, names, depth) for _ in range(2))
        return [f"{self.bound(kind, names)} = if {test} {then} else {other}"]

    def a_apply(self, names: Names, depth: int) -> list[str]:
        """A flow given to a flow."""
        flow = self.one_of("sample", "refine", "refine in [sample, refine]")
        text = self.value("Text", names)
        return [f"{self.bound('Drafts', names)} = apply(method: {flow}, question: {text})"]

    def a_remember(self, names: Names, depth: int) -> list[str]:
        """An effect."""
        text = self.value("Text", names)
        return [f"{self.bound('Text', names)} = remember(notes, {text})"]

    def block(self, kind: str, names: Names, depth: int) -> str:
        """`{ …  yield v }`."""
        inner = {key: list(known) for key, known in names.items()}
        lines = self.body(inner, depth + 1, 2)
        lines.append(f"yield {self.value(kind, inner)}")
        return "{\n" + indented(lines) + "\n}"

    def a_repeat(self, names: Names, depth: int) -> list[str]:
        """A fixed number of rounds."""
        start = self.value("Text", names)
        rounds = self.number(names)
        carried = self.bound("Text", names)
        lines = self.body(names, depth + 1, 2)
        if self.maybe():
            lines.append(f"next {carried} = {self.value('Text', names)}")
        return [f"repeat {rounds} carrying {carried}: Text = {start} {{", *inside(lines), "}"]

    def a_until(self, names: Names, depth: int) -> list[str]:
        """Rounds until a verdict passes."""
        start = self.value("Drafts", names)
        carried = self.bound("Drafts", names)
        lines = self.body(names, depth + 1, 1)
        draft, verdict = self.name("draft"), self.name("verdict")
        lines.append(f"{draft} = {self.draft(names, 1)}")
        lines.append(f"{verdict} = verify({draft}, by: {self.model(names)})")
        lines.append(f"next {carried} = append({carried}, {draft})")
        names.setdefault("Draft", []).append(draft)
        names.setdefault("Verdict", []).append(verdict)
        keeping = self.one_of("", f" keeping best({verdict}.score)")
        return [
            f"repeat up to {self.number({})} carrying {carried}: List[Draft] = {start} {{",
            *inside(lines),
            f"}} until {verdict}.passed{keeping}",
        ]

    def a_each(self, names: Names, depth: int) -> list[str]:
        """Every draft of a list, in parallel."""
        items, variable = self.value("Drafts", names), self.name("item")
        bound = self.number(names)
        inner = {**names, "Draft": [*names.get("Draft", []), variable]}
        block = self.block("Draft", inner, depth)
        return [f"{self.bound('Drafts', names)} = each {variable} in {items} up to {bound} {block}"]

    def a_fold(self, names: Names, depth: int) -> list[str]:
        """Every draft of a list, one after the other."""
        items, variable = self.value("Drafts", names), self.name("item")
        start, bound = self.value("Draft", names), self.number(names)
        carried = self.name("acc")
        inner = {key: list(known) for key, known in names.items()}
        inner.setdefault("Draft", []).extend((variable, carried))
        lines = self.body(inner, depth + 1, 1)
        lines.append(f"next {carried} = {self.value('Draft', inner)}")
        names.setdefault("Draft", []).append(carried)
        head = f"fold {variable} in {items} up to {bound} carrying {carried}: Draft = {start} {{"
        return [head, *inside(lines), "}"]

    def a_within(self, names: Names, depth: int) -> list[str]:
        """A budget scope, too wide to matter."""
        alias = self.name("scope")
        lines = self.body(names, depth + 1, 2)
        flag = self.name("bool")
        names.setdefault("Bool", []).append(flag)
        budget = self.one_of("calls(1_000)", "calls(1_000), minutes(60)", "tokens(1_000_000)")
        head = f"within [{budget}] as {alias} {{"
        return [head, *inside(lines), "}", f"{flag} = {alias}.exhausted"]


def indented(lines: list[str]) -> str:
    """Lines as the text of a block."""
    return "\n".join(inside(lines))


def inside(lines: list[str]) -> list[str]:
    """Lines one level further in."""
    return [f"  {line}" for text in lines for line in text.split("\n")]


@st.composite
def programs(draw: st.DrawFn, most: int = 6) -> str:
    """A program of up to `most` statements (and those inside them)."""
    writer = Writer(draw)
    names: Names = {"Text": ["question"]}
    lines = writer.body(names, 0, most)
    result = draw(st.sampled_from(sorted(RESULTS)))
    lines.append(f"return {writer.value(RESULTS[result], names)}")
    head = f"flow main(question: Text) -> {result} {{"
    return "\n".join([PRELUDE, head, *inside(lines), "}", ""])

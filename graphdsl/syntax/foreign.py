"""Habits from other languages, each with what to write here."""

from __future__ import annotations

JOIN_TEXTS = 'join texts in a prompt: `prompt both(a: Text, b: Text) """{{ a }} {{ b }}"""`'
FLOW = "a reusable part is a flow: `flow name(question: Text) -> Text { … return x }`"
BIND = "a name is bound without a keyword, once: `name = op(…)`"
ROUTE = "route with labelled values: `if c { yield a } else if d { yield b } else { yield e }`"
IMPORT = 'another file is imported whole: `import "lib/judge.tts" as judge`'
LOOP = "a loop has a bound and ends by a condition: `repeat up to 3 { … } until done`"
ERRORS = "a failed sample is a value; keep the good ones with `verify` or `rank`"
CONCURRENT = "nothing to say here: what does not depend on each other runs at the same time"

WORDS = {
    "for": "map over a list with `each x in xs up to 8 { … yield y }`; for N samples of one "
    "prompt pass `samples: N`; for rounds write `repeat N { … }`",
    "while": LOOP,
    "loop": LOOP,
    "do": LOOP,
    "break": LOOP,
    "continue": LOOP,
    "def": FLOW,
    "fn": FLOW,
    "func": FLOW,
    "function": FLOW,
    "proc": FLOW,
    "lambda": "there are no anonymous functions; declare a flow and pass its name",
    "class": "there are no classes; group values in a record, `{ a: 1 }`, and steps in a flow",
    "struct": "a record type is written where it is used: `{ a: Text, b: Number }`",
    "let": BIND,
    "var": BIND,
    "val": BIND,
    "const": BIND,
    "set": BIND,
    "switch": ROUTE,
    "case": ROUTE,
    "match": ROUTE,
    "elif": ROUTE,
    "elseif": ROUTE,
    "from": IMPORT,
    "include": IMPORT,
    "require": IMPORT,
    "use": IMPORT,
    "try": ERRORS,
    "except": ERRORS,
    "catch": ERRORS,
    "raise": ERRORS,
    "throw": ERRORS,
    "with": "a budget scope is `within [calls(8)] { … }`",
    "async": CONCURRENT,
    "await": CONCURRENT,
    "print": "flows do not print; `return` what you want to see, and read the rest in the trace",
    "assert": 'expectations stand in a test: `test "title" { flow = …  given = …  expect = … }`',
}

CALLED = frozenset({"continue"})
"""Words that are operators here: with an argument list they are meant."""

SIGNS = {
    "->": "arrows are drawn from the program, not written; bind each stage: `b = op(a)`",
    "+": JOIN_TEXTS,
    "-": JOIN_TEXTS,
    "*": JOIN_TEXTS,
    "/": JOIN_TEXTS,
    "%": JOIN_TEXTS,
    "|": "stages are not piped; bind each: `b = op(a)`",
    "&": "write `and`",
    "!": "write `not`, or `!=` between two values",
    ";": "a statement ends where the next begins; leave the `;` out",
    "'": 'strings stand in double quotes: `"text"`',
    "`": 'strings stand in double quotes: `"text"`',
    "“": 'strings stand in straight double quotes: `"text"`',
    "”": 'strings stand in straight double quotes: `"text"`',
    "@": "there are no decorators; pass options as arguments: `op(x, samples: 5)`",
    "$": "write the name without `$`; in a prompt, `{{ name }}`",
    "\\": "a line needs no mark to go on; leave the `\\` out",
    "[": "lists are not indexed; pass the whole list to an operator",
    "&&": "write `and`",
    "||": "write `or`",
    "+=": 'a name is bound once; a loop hands values on: `carrying x: Text = ""` and `next x = …`',
    "**": JOIN_TEXTS,
    "//": "a comment begins with `#`",
    "/*": "a comment begins with `#`, on each of its lines",
    "--": "a comment begins with `#`",
    "=>": "there are no anonymous functions; declare a flow and pass its name",
}
REMOVABLE = frozenset({";", "\\"})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "**"})

"""Whole flows of continued and parsed texts, on simulated models and on the embedded one."""

from __future__ import annotations

from typing import Any

import pytest

import graphdsl
from graphdsl.api.flow import Flow
from graphdsl.errors import CompileError
from graphdsl.values import Draft, Finish


def flow(models: str, body: str, result: str = "List[Draft]") -> Flow:
    text = f"""edition "2026"
{models}
flow main(question: Text) -> {result} {{
{body}
}}
"""
    return graphdsl.load(text).flow("main")


def simulated(name: str, *replies: str, **options: Any) -> str:
    lines = ", ".join('"' + one.replace("\n", "\\n").replace('"', '\\"') + '"' for one in replies)
    more = "".join(f"  {key} = {value}" for key, value in options.items())
    return f"model {name} {{ backend = simulated  replies = [{lines}]{more} }}\n"


FORCING = r"""
  thoughts = generate(question, models: m, samples: 2, max_tokens: 8, stop: "</think>")
  longer = continue(thoughts, by: m, suffix: "Wait", stop: "</think>", total: 8)
  return continue(
    longer,
    by: m,
    suffix: "\n</think>\n",
    truncated_suffix: "\n</think>\nFinal Answer:",
    max_tokens: 64,
  )
"""


async def test_budget_forcing_on_a_first_draft_that_stopped_and_one_that_was_cut() -> None:
    """One token is four characters: the second thought takes all of the 8."""
    models = simulated("m", "Short thought.</think>Answer: 1", "A thought of many words and no end")
    main = flow(models, FORCING)
    first, second = (await main.run(question="What?")).output
    assert first.text == (
        "Short thought.WaitShort thought.\n</think>\nShort thought.</think>Answer: 1"
    )
    assert second.text.startswith("A thought of many words and no e\n</think>\nFinal Answer:Short")
    assert (first.answer, first.finish, first.usage.calls) == ("1", Finish.STOP, 3)
    assert second.usage.calls == 2
    assert main.cost().calls.high == 2 + 2 + 2


@pytest.mark.parametrize(
    ("drafts", "more", "calls"),
    [
        ("first(d)", "", 1),
        ("d", "", 4),
        ("d", ", samples: 3", 12),
        ("d", ", samples: 3, up_to: 2", 6),
        ("d", ", samples: 3, temperature: 0", 4),
    ],
)
def test_what_continuing_costs_at_most(drafts: str, more: str, calls: int) -> None:
    body = f"""
  d = generate(question, models: m, samples: 4)
  return continue({drafts}, by: m{more})
"""
    assert flow("model m { backend = simulated }\n", body).cost().calls.high == 4 + calls


@pytest.mark.parametrize(
    ("lacks", "call"),
    [
        ("prefix_continuation", "continue(d, by: n)"),
        ("stop_strings", 'continue(d, by: n, stop: "x")'),
        ("stop_strings", "[spawn_join(question, by: n)]"),
        ("prefix_continuation", "[spawn_join(question, by: n, join: results_only)]"),
    ],
)
def test_models_that_cannot_go_on_are_refused(lacks: str, call: str) -> None:
    models = f"""
model m {{ backend = simulated }}
model n {{ backend = simulated  lacks = ["{lacks}"] }}
"""
    body = f"  d = generate(question, models: m)\n  return {call}"
    with pytest.raises(CompileError, match=f"needs `{lacks}`, which model `n` lacks"):
        flow(models, body)


async def test_seeds_tell_equal_drafts_apart() -> None:
    models = "model m { backend = simulated  accuracy = 0.5  temperature = 1 }\n"
    body = """
  same = draft("I begin.", question: question)
  return continue([same, same], by: m, samples: 4)
"""
    run = await flow(models, body).run(question="What is 2 + 3?")
    drafts: tuple[Draft, ...] = run.output
    assert len({draft.seed for draft in drafts}) == 8
    assert len({draft.text for draft in drafts}) == 8
    again = await flow(models, body).run(question="What is 2 + 3?")
    assert again.output == drafts
    fewer = await flow(models, body.replace("samples: 4", "samples: 2")).run(
        question="What is 2 + 3?"
    )
    assert fewer.output == (*drafts[:2], *drafts[4:6])


async def test_without_seeds_equal_drafts_are_told_apart_by_their_number() -> None:
    models = 'model m { backend = simulated  accuracy = 0.5  temperature = 1  lacks = ["seeds"] }\n'
    body = """
  same = draft("I begin.", question: question)
  return continue([same, same, same], by: m)
"""
    run = await flow(models, body).run(question="What is 2 + 3?")
    assert len({draft.text for draft in run.output}) == 3


async def test_a_draft_without_a_question_stays_and_a_note_says_why() -> None:
    body = '  return continue(draft("a text"), by: m)'
    result = await flow(simulated("m", "x"), body).run(question="?")
    (draft,) = result.output
    assert (draft.text, draft.finish) == ("a text", Finish.STOP)
    assert result.trace is not None
    notes = [note for record in result.trace.walk() for note in record.notes]
    assert any("give `draft` its `question`" in note for note in notes)


@pytest.mark.parametrize("calls", [3, 4])
async def test_drafts_whose_continuation_is_refused_still_vote(calls: int) -> None:
    drafts = "generate(question, models: m, samples: 3)"
    body = f'  return vote(continue({drafts}, by: m, suffix: " Wait."), by: number)'
    model = simulated("m", "Answer: 7")
    budget = graphdsl.Budget(calls=calls)
    result = await flow(model, body, "Answer").run(question="?", budget=budget)
    assert result.output.text == "7"


async def test_threads_are_joined_in_a_flow() -> None:
    models = simulated(
        "m",
        "<Parallel><Outlines><Outline>1: 2 + 3</Outline><Outline>2: 4</Outline></Outlines>",
        " five</Thread>",
        " four</Thread>",
        "\nAnswer: 9",
    )
    main = flow(models, "  return spawn_join(question, by: m)", "Draft")
    result = await main.run(question="2 + 3 + 4?")
    draft: Draft = result.output
    assert draft.answer == "9"
    assert "\n<Thread>\n1: five</Thread><Thread>\n2: four</Thread>\n</Parallel>\n" in draft.text
    assert draft.usage == result.usage
    assert main.cost().calls.high == 1 + 2 * (1 + 8)


async def test_results_of_threads_take_the_place_of_their_list() -> None:
    models = simulated("m", 'Spawn ["2 + 3", "4"] End', "5", "No solution", "Answer: 9")
    body = """
  return spawn_join(question, by: m, open: "Spawn", close: "End", join: results_only, rounds: 1)
"""
    draft = (await flow(models, body, "Draft").run(question="2 + 3 + 4?")).output
    assert draft.text == (
        "<Results>\nGoal reached in child 1\n5\nNo solution in child 2\n</Results>Answer: 9"
    )


@pytest.mark.parametrize(
    ("reply", "hard"),
    [
        ("difficulty 0.2", False),
        ("I say 0.7", True),
        ("no idea", True),
        ("90%", True),
        ("1/4", False),
    ],
)
async def test_a_bad_score_is_hard(reply: str, hard: bool) -> None:
    body = """
  reply = generate(question, models: m)
  return otherwise(parse_number(first(reply)), 1) > 0.5
"""
    assert (await flow(simulated("m", reply), body, "Bool").run(question="?")).output is hard


@pytest.mark.parametrize(("text", "more"), [("0.7", True), ("0.2", False), ("none", False)])
async def test_an_absent_number_is_never_more(text: str, more: bool) -> None:
    main = flow("", "  return parse_number(question) > 0.5", "Bool")
    assert (await main.run(question=text)).output is more


async def test_parsed_texts_in_a_flow() -> None:
    body = r"""
  items = parse_list(question)
  rest = reverse(drop(items, 1))
  both = flatten([rest, split("x; y", at: ";")])
  found = otherwise(part(question, after: "{", before: "}"), "none")
  value = otherwise(parse_field(question, "size"), "none")
  return concat(both, [found, value])
"""
    main = flow("", body, "List[Text]")
    result = await main.run(question='1. a\n2. b\n3. c\n{"size": 7}')
    assert result.output == ("c", "b", "x", "y", '"size": 7', "7")


@pytest.mark.model
@pytest.mark.slow
async def test_the_embedded_model_goes_on_with_a_draft() -> None:
    pytest.importorskip("xllamacpp")
    models = 'model m { backend = embedded  name = "smollm2-135m"  threads = 1  context = 1024 }\n'
    body = r"""
  first = generate(question, models: m, temperature: 0, max_tokens: 8)
  longer = continue(first, by: m, temperature: 0, total: 24)
  return continue(longer, by: m, suffix: "\nAnswer:", temperature: 0, max_tokens: 6, stop: "\n")
"""
    question = "Tell me a long story about a dog and its many friends."
    main = flow(models, body)
    (draft,) = (await main.run(question=question)).output
    once = flow(models, "  return generate(question, models: m, temperature: 0, max_tokens: 24)")
    (whole,) = (await once.run(question=question)).output
    assert draft.finish is not Finish.ERROR
    before, mark, after = draft.text.partition("\nAnswer:")
    assert mark
    assert before == whole.text, "two parts are the same text as one"
    assert "\n" not in after
    assert 24 < draft.usage.completion_tokens <= 30
    assert draft.usage.calls == 3
    assert draft.logprobs is not None
    assert 24 <= draft.logprobs.tokens <= draft.usage.completion_tokens

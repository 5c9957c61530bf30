"""Model blocks: options of every kind, keys from the environment, groups of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphdsl.api.testing import cases
from graphdsl.compiler.check import check
from graphdsl.compiler.lower import lower
from graphdsl.compiler.program import Checked
from graphdsl.diagnostics import Applicability, Diagnostic, Source, TextEdit
from graphdsl.ir.backends import backend_names
from graphdsl.ir.entities import EnvVar, ModelSpec
from graphdsl.rendering import render, to_json, to_lsp
from graphdsl.syntax.format import format_source

KEY = "sk-abcdefghijklmnopqrstuvwxyz012345"
FAR = 'backend = openai  name = "gpt"'
FLOW = """
flow main(question: Text) -> Draft {
  return vote(generate(question, models: m, samples: 4))
}
"""
OTHERS = """
model a { backend = simulated  seed = 1 }
model b { backend = simulated  seed = 2  temperature = 0.3 }
model weak { backend = simulated  lacks = ["stop_strings"] }
model stopped { backend = simulated  stop = ["."] }
pool both = [a, b]
memory notes { }
"""


def checked(block: str, others: str = "", flow: str = FLOW) -> Checked:
    text = f'edition "2026"\n{others}\nmodel m {{ {block} }}\n{flow}'
    return check(Source("x.tts", text))


def errors(block: str, others: str = "") -> list[Diagnostic]:
    return [found for found in checked(block, others).diagnostics if found.is_error]


def only(block: str, others: str = "") -> Diagnostic:
    (found,) = errors(block, others)
    return found


def edited(block: str, others: str = "") -> str:
    """The block once the edit of its only report was made."""
    program = checked(block, others)
    (report,) = program.diagnostics
    edit = next(help.edit for help in report.helps if help.edit is not None)
    assert isinstance(edit, TextEdit)
    text = program.sources["x.tts"].text
    whole = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return whole.split("model m { ")[1].split(" }\n")[0]


def spec_of(block: str, others: str = "") -> ModelSpec:
    program = checked(block, others)
    assert program.module is not None
    assert [found for found in program.diagnostics if found.is_error] == []
    (spec,) = lower(program.module, "main").models
    return spec


# ---- kinds of options


@pytest.mark.parametrize(
    ("block", "code", "message"),
    [
        (f"{FAR}  reasoning_effort = hgh", "GD0602", "`reasoning_effort` cannot be `hgh`"),
        (f'{FAR}  reasoning_effort = "high"', "GD0602", "is a word, not a text"),
        (f"{FAR}  reasoning_effort = 5", "GD0602", "must be one of `none`, `minimal`"),
        (f"{FAR}  stream = yes", "GD0602", "`stream` must be `true` or `false`"),
        (f'{FAR}  has = ["stop_string"]', "GD0602", "`has` cannot hold `stop_string`"),
        (f'{FAR}  stop = "x"', "GD0602", "`stop` must be a list of texts"),
        (f'{FAR}  base_url = "ftp://host"', "GD0602", "must begin with `http://`"),
        (f'{FAR}  base_url = "https:///v1"', "GD0602", "`base_url` has no host"),
        (f'{FAR}  base_url = "https://host:x/v1"', "GD0602", "`base_url` is not an address"),
        (f'{FAR}  base_url = "a place"', "GD0602", "`base_url` is not an address"),
        (f"{FAR}  base_url = []", "GD0602", "`base_url` is an empty list"),
        (f"{FAR}  base_url = 8000", "GD0602", "must be a text, `env("),
        (f'{FAR}  base_url = ["http://a/v1", "b"]', "GD0602", "`base_url` is not an address"),
        (f'{FAR}  base_url = "http://u:p@a/v1"', "GD0611", "holds a key or a password"),
        (f'{FAR}  base_url = "http://a/v1?api-key=x"', "GD0611", "holds a key or a password"),
        (f'{FAR}  base_url = "http://a/v1?code=x"', "GD0602", "more parameters than `api-version`"),
        (f'{FAR}  base_url = "http://a/v1?access"', "GD0602", "more parameters than `api-version`"),
        (f'{FAR}  base_url = "http://a/v1?api-version=2;c=x"', "GD0602", "more parameters than"),
        (f'{FAR}  base_url = "http://a/v1#code=x"', "GD0602", "more parameters than `api-version`"),
        (f'{FAR}  base_url = "host.com/v1?code=x"', "GD0602", "must begin with `http://`"),
        (
            'backend = litellm  name = "x/y"  base_url = ["http://a/v1", "http://b/v1"]',
            "GD0602",
            "`base_url` must be a text, or `env(",
        ),
        (f'{FAR}  lacks = ["cancellation"]', "GD0602", "`lacks` cannot hold `cancellation`"),
        ('backend = litellm  name = "x/y"  has = ["text_scores"]', "GD0602", "`has` cannot hold"),
        (
            'backend = replay  name = "x"  bank = "b"  lacks = ["embeddings"]',
            "GD0602",
            "`lacks` cannot hold `embeddings`",
        ),
        (f"{FAR}  api_key = env()", "GD0602", "`env` takes the name of one environment variable"),
        (f'{FAR}  api_key = env("A", "B")', "GD0602", "`env` takes the name of one"),
        (f'{FAR}  api_key = env(name: "A")', "GD0602", "`env` takes the name of one"),
        (f'{FAR}  api_key = env("")', "GD0602", "the name of the environment variable is empty"),
        (f'{FAR}  api_key = env("my-key")', "GD0602", "this cannot be the name of"),
        (f"{FAR}  api_key = env(5)", "GD0602", "the name of an environment variable is a text"),
        (f'{FAR}  api_key = env("A" in ["A", "B"])', "GD0403", "a hole may stand only"),
        (f"{FAR}  api_key = true", "GD0602", "`api_key` must be `env("),
        ('backend = replay  name = "x"', "GD0601", "model `m` needs `bank`"),
        ('backend = replay  name = "x"  bank = ""', "GD0602", "`bank` is empty"),
        ("backend = openai", "GD0601", "model `m` needs `name`"),
        ('backend = opnai  name = "x"', "GD0212", "there is no backend `opnai`"),
        ('backend = "openai"  name = "x"', "GD0212", "a backend is a word, not a text"),
        ('backend = env("X")  name = "x"', "GD0212", "a backend is a word"),
        ('backend = vllm  name = "x"  run = attach', "GD0601", "`base_url` is missing"),
        (
            'backend = vllm  name = "x"  run = in_process  base_url = env("X")',
            "GD0602",
            "`base_url` means nothing with `run = in_process`",
        ),
        (
            'backend = vllm  name = "x"  dtype = "auto"  base_url = env("X")',
            "GD0602",
            "`dtype` is for an engine that is started here",
        ),
        ('backend = embedded  name = "x"  api_key = env("K")', "GD0213", "has no key `api_key`"),
    ],
)
def test_a_wrong_value_is_reported_once(block: str, code: str, message: str) -> None:
    found = only(block)
    assert found.code == code
    assert message in found.message


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("reasoning_effort = hgh", "reasoning_effort = high"),
        ('reasoning_effort = "low"', "reasoning_effort = low"),
        ('has = ["text_score"]', 'has = ["text_scores"]'),
        ('base_url = "localhost:8000/v1"', 'base_url = "http://localhost:8000/v1"'),
        ('base_url = "api.host.com/v1"', 'base_url = "https://api.host.com/v1"'),
        ('base_url = "http://a/v1/chat/completions"', 'base_url = "http://a/v1"'),
        (
            'base_url = "http://a/v1/completions?api-version=2"',
            'base_url = "http://a/v1?api-version=2"',
        ),
        ("api_key = MY_KEY", 'api_key = env("MY_KEY")'),
        ("api_key = env(MY_KEY)", 'api_key = env("MY_KEY")'),
        ('api_key = env("$MY_KEY")', 'api_key = env("MY_KEY")'),
        ('api_key = getenv("MY_KEY")', 'api_key = env("MY_KEY")'),
        ('api_key = "0123-4567"', 'api_key = env("MY_KEY")'),
        ("api_ky = env(KEY)", "api_key = env(KEY)"),
    ],
)
def test_a_help_says_what_to_write_instead(wrong: str, right: str) -> None:
    assert edited(f"{FAR}  {wrong}") == f"{FAR}  {right}"


def test_the_edit_of_a_key_in_a_file_has_a_placeholder() -> None:
    (help_,) = only(f'{FAR}  api_key = "0123-4567"').helps
    assert help_.applicability is Applicability.HAS_PLACEHOLDERS


@pytest.mark.parametrize(
    "block",
    [
        f'{FAR}  base_url = "http://[::1]:8000/v1?api-version=2"  api_key = env("MY_KEY")',
        f'{FAR}  base_url = [env("A"), "https://b/v1"]',
        f'{FAR}  reasoning_effort = none  stream = true  has = ["prefix_continuation"]',
        'backend = vllm  name = "x"  base_url = env("MY_SERVER")',
        'backend = vllm  name = "x"  run = attach  base_url = "http://127.0.0.1:8000/v1"',
        'backend = vllm  name = "x"  run = server  dtype = "auto"  arguments = ["--seed", "1"]',
        'backend = litellm  name = "anthropic/claude"  api_key = env("MY_KEY")',
        'backend = litellm  name = "x/y"  base_url = "http://a/v1"  lacks = ["completions"]',
        'backend = simulated  lacks = ["cancellation"]',
        'backend = replay  name = "x"  bank = env("MY_BANK")  latency = 1',
    ],
)
def test_right_blocks_are_silent(block: str) -> None:
    assert errors(block) == []


def test_the_names_of_all_backends_are_suggested() -> None:
    found = only('backend = nothing_like_it  name = "x"')
    assert all(f"`{name}`" in found.helps[0].text for name in backend_names())


def test_options_keep_their_kinds_in_the_spec() -> None:
    spec = spec_of(
        f'{FAR}  base_url = [env("A"), "https://b/v1"]  api_key = env("K")  stream = true'
        "  reasoning_effort = low  timeout = 2.5"
    )
    assert spec.options == {
        "base_url": (EnvVar("A"), "https://b/v1"),
        "api_key": EnvVar("K"),
        "stream": True,
        "reasoning_effort": "low",
        "timeout": 2.5,
    }


def test_formatting_keeps_calls_of_env() -> None:
    text = f'edition "2026"\n\nmodel m {{ {FAR}  base_url = [env("A")]  api_key = env("K") }}\n'
    formatted = format_source(Source("x.tts", text)).text
    assert 'base_url = [env("A")]' in formatted
    assert 'api_key = env("K")' in formatted


# ---- keys in a file


@pytest.mark.parametrize(
    "option",
    [
        f'api_key = "{KEY}"',
        f'api_key = env("{KEY}")',
        f'api_key = ["{KEY}"]',
        f'api_key = """{KEY}"""',
        f'api_key = "{KEY}" in ["{KEY}", "x"]',
        f'api_ky = "{KEY}"',
        f'api_key: "{KEY}"',
        f'api_key "{KEY}"',
        f"api_key = '{KEY}'",
        f"api_key = {KEY}",
        f'api_key = "{KEY}',
        f'api_key = "{KEY}"  api_key = "{KEY}"',
        f'base_url = "https://{KEY}@host/v1"',
        f'base_url = "https://host/v1?key={KEY}"',
        f'base_url = "{KEY}"',
        f'base_url = env("{KEY}")',
        f'reasoning_effort = "{KEY}"',
        f'lacks = ["{KEY}"]',
        f'api_key = env("MY_KEY")  temprature = 1  name = "{KEY}"',
        'api_key = "sk-abcdefghi"',
        'api_key = "sk-abcdefghi"  temprature = 1',
        'base_url = "http://me:sk-abcdefghi@host"',
        'base_url = "http://host/v1?code=sk-abcdefghi"',
        'base_url = ["http://host/v1?a=sk-abcdefghi", "http://b/v1?sk-abcdefghi"]',
        'base_url = "host.com/v1?code=sk-abcdefghi"',
    ],
)
def test_no_report_repeats_a_key(option: str) -> None:
    program = checked(f"{FAR}  {option}")
    assert any(found.is_error for found in program.diagnostics)
    for found in program.diagnostics:
        shown = render(found, program.sources)
        records = [to_json(found, program.sources), to_lsp(found, program.sources)]
        assert "sk-abcdefghi" not in shown + json.dumps(records)


def test_a_line_with_a_key_keeps_its_width_and_the_place_of_the_label() -> None:
    program = checked(f'{FAR}  api_key = "abc"  temprature = 1')
    key, wrong = program.diagnostics
    assert (key.code, wrong.code) == ("GD0611", "GD0213")
    shown = render(wrong, program.sources).split("\n")
    line = next(line for line in shown if "temprature" in line and "|" in line)
    marks = next(line for line in shown if "^" in line)
    assert '"***"' in line
    assert marks.index("^") == line.index("temprature")


# ---- groups


def test_a_group_holds_the_specs_of_its_members_in_order() -> None:
    spec = spec_of("backend = fallback  models = [b, both, both]  max_tokens = 9", OTHERS)
    assert [member.name for member in spec.members] == ["b", "a"]
    assert spec.members[0].options == {"seed": 2, "temperature": 0.3}
    assert (spec.model, spec.setting("temperature"), spec.setting("max_tokens")) == ("", 0.3, 9)


def test_a_pool_or_one_model_may_stand_for_the_list() -> None:
    assert len(spec_of("backend = round_robin  models = both", OTHERS).members) == 2
    spec = spec_of('backend = replay  name = "x"  bank = "b.jsonl"  otherwise = a', OTHERS)
    assert [model.name for model in spec.options["otherwise"]] == ["a"]
    assert spec.members == ()


def test_members_of_imported_files_keep_their_qualified_names(tmp_path: Path) -> None:
    (tmp_path / "far.tts").write_text(f'edition "2026"\n{OTHERS}', encoding="utf-8")
    text = (
        'edition "2026"\nimport "far.tts" as far\nmodel a { backend = simulated }\n'
        f"model m {{ backend = fallback  models = [a, far.a, far.both]  temperature = 1 }}\n{FLOW}"
    )
    program = check(Source("x.tts", text), tmp_path)
    assert program.diagnostics == ()
    assert program.module is not None
    (spec,) = lower(program.module, "main").models
    assert [member.name for member in spec.members] == ["a", "far.a", "far.b"]


def test_a_model_that_is_only_a_member_is_used() -> None:
    others = "model a { backend = simulated }\nmodel b { backend = simulated }"
    assert checked("backend = fallback  models = [a, b]", others).diagnostics == ()


def test_a_group_that_nothing_uses_is_reported_and_its_members_are_not() -> None:
    others = "model a { backend = simulated }\nmodel b { backend = simulated }"
    flow = FLOW.replace("models: m", "models: a")
    (found,) = checked("backend = fallback  models = [a, b]", others, flow).diagnostics
    assert (found.code, found.message) == ("GD0802", "model `m` is never used")


@pytest.mark.parametrize(
    ("models", "code", "message"),
    [
        ("[]", "GD0604", "`models` of model `m` is empty"),
        ("[a, notes]", "GD0603", "`notes` is a `Memory`: it cannot be in model `m`"),
        ("[a, main]", "GD0603", "`main` is a `Flow`"),
        ("[a, 5]", "GD0603", "this cannot be in model `m`"),
        ('[a, "b"]', "GD0603", "this cannot be in model `m`"),
        ("5", "GD0602", "`models` must be a list of models"),
        ("[a, bb]", "GD0201", "there is no model or pool `bb`"),
        ("[a, far.b]", "GD0201", "there is no model or pool `far`"),
        ("[a, m]", "GD0605", "model `m` holds itself"),
        ("[a, b in both]", "GD0403", "a hole may stand only"),
    ],
)
def test_what_cannot_be_a_member_is_reported_once(models: str, code: str, message: str) -> None:
    found = only(f"backend = fallback  models = {models}", OTHERS)
    assert found.code == code
    assert message in found.message


def test_an_unknown_member_has_the_nearest_model_as_help() -> None:
    found = only("backend = fallback  models = [a, stoped]", OTHERS)
    assert found.helps[0].text == "did you mean `stopped`?"


def test_a_circle_through_groups_and_pools_is_reported_once() -> None:
    others = (
        f"{OTHERS}model upper {{ backend = round_robin  models = [a, all] }}\npool all = [b, m]"
    )
    found = only("backend = fallback  models = [a, upper]", others)
    assert found.code == "GD0605"


def test_a_group_of_one_model_is_a_warning() -> None:
    (found,) = checked(
        "backend = fallback  models = [a]", "model a { backend = simulated }"
    ).diagnostics
    assert (found.code, found.is_error) == ("GD0806", False)


def test_a_group_holds_at_most_so_many_models() -> None:
    """Each level doubles what is within, so that a short file would mean 2⁴⁰ models."""
    levels = [
        f"model {x}{i} {{ backend = fallback  models = [a{i - 1}, b{i - 1}] }}"
        for i in range(1, 41)
        for x in "ab"
    ]
    others = "model a0 { backend = simulated }\nmodel b0 { backend = simulated }\n"
    found = errors("backend = fallback  models = [a40, b40]", others + "\n".join(levels))
    assert found[0].message.endswith("holds more than 64 models")


def test_otherwise_takes_one_model_that_is_no_group() -> None:
    replay = 'backend = replay  name = "x"  bank = "b.jsonl"  otherwise'
    group = f"{OTHERS}model g {{ backend = fallback  models = both }}"
    for value in ("both", "[a, b]", "[g]"):
        assert "`otherwise` holds at most 1 model" in only(f"{replay} = {value}", group).message


# ---- what groups can do


def test_a_group_lacks_what_one_of_its_members_lacks() -> None:
    flow = FLOW.replace("samples: 4", 'stop: "."')
    program = checked("backend = fallback  models = [a, weak]", OTHERS, flow)
    (found,) = program.diagnostics
    assert found.code == "GD0610"
    assert "which model `weak` lacks" in found.message
    labels = [label.text for label in found.secondary]
    assert labels == ["without `stop_strings`", "stands for `weak`"]


def test_a_replay_lacks_what_its_live_model_lacks() -> None:
    flow = FLOW.replace("samples: 4", 'stop: "."')
    block = 'backend = replay  name = "x"  bank = "b"  otherwise = weak'
    assert [found.code for found in checked(block, OTHERS, flow).diagnostics] == ["GD0610"]


@pytest.mark.parametrize("models", ['[a, weak]  stop = ["x"]', "[stopped, weak]"])
def test_settings_of_a_group_go_for_all_members(models: str) -> None:
    found = only(f"backend = fallback  models = {models}", OTHERS)
    assert found.message == "`stop` needs `stop_strings`, which model `weak` lacks"


def test_has_adds_a_capability_to_an_endpoint() -> None:
    prompt = '\nprompt lead(q: Text) {\n  user "{{ q }}"\n  assistant "So"\n}\n'
    flow = prompt + FLOW.replace("generate(question", "generate(lead(q: question)")
    assert [found.code for found in checked(FAR, "", flow).diagnostics] == ["GD0610"]
    assert checked(f'{FAR}  has = ["prefix_continuation"]', "", flow).diagnostics == ()


def test_samples_of_a_group_at_temperature_0_are_the_same() -> None:
    others = (
        "model a { backend = simulated  temperature = 0 }\nmodel b { backend = simulated }\n"
        "model c { backend = fallback  models = [a, b] }"
    )
    found = checked("backend = fallback  models = [c, b]", others).diagnostics
    assert [one.code for one in found] == ["GD0807"]
    found = checked("backend = fallback  models = [b, c]", others).diagnostics
    assert [one.code for one in found] == ["GD0810"]


# ---- settings that count for nothing

SET = """
model cool { backend = simulated  temperature = 0.2  stop = ["."] }
model warm { backend = simulated  temperature = 0.9  stop = ["."] }
model bare { backend = simulated }
model cold { backend = fallback  models = [cool, bare] }
pool two = [warm, bare]
"""


def idle(block: str) -> list[str]:
    found = checked(block, SET).diagnostics
    assert not any(one.is_error for one in found)
    return [one.message for one in found if one.code == "GD0810"]


@pytest.mark.parametrize(
    ("block", "settings"),
    [
        ("fallback  models = [cool, warm]", ["`temperature` of `warm`"]),
        (
            "round_robin  models = [bare, cool, two]",
            ["`temperature`, `stop` of `cool`", "`temperature`, `stop` of `warm`"],
        ),
        ("fallback  models = [bare, cold]", ["`temperature`, `stop` of `cold`"]),
        ("fallback  models = [cold, warm]", ["`temperature` of `warm`"]),
        ("fallback  models = [bare, two]", ["`temperature`, `stop` of `warm`"]),
        ('replay  name = "x"  bank = "b"  otherwise = cool', ["`temperature`, `stop` of `cool`"]),
        ("fallback  models = [cool, bare]", []),
        ("fallback  models = [cool, cold]", []),
        ("fallback  models = two", []),
        ("fallback  models = [cool, warm]  temperature = 0.5", []),
        ('replay  name = "x"  bank = "b"  otherwise = bare', []),
    ],
)
def test_a_setting_of_a_later_member_that_counts_for_nothing_is_a_warning(
    block: str, settings: list[str]
) -> None:
    found = idle(f"backend = {block}")
    assert [message.partition(" count")[0] for message in found] == settings


def test_the_setting_that_is_used_and_the_one_that_is_not_are_shown() -> None:
    program = checked("backend = fallback  models = [cool, two]", SET)
    (found,) = [one for one in program.diagnostics if one.code == "GD0810"]
    text = program.sources["x.tts"].text
    marked = [(text[one.span.start : one.span.end], one.text) for one in found.secondary]
    assert text[found.primary.span.start : found.primary.span.end] == "two"
    assert marked == [
        ("temperature = 0.9", "not used there"),
        ("temperature = 0.2", "used for all members"),
    ]


def test_scripted_replies_stand_for_a_group(tmp_path: Path) -> None:
    from graphdsl import load

    text = (
        'edition "2026"\nmodel a { backend = openai  name = "gpt"  max_tokens = 7 }\n'
        'model b { backend = replay  name = "x"  bank = "none.jsonl" }\n'
        "model m { backend = fallback  models = [a, b] }\n"
        f'{FLOW}\ntest "four" {{ flow = main  given = {{ question: "2 + 2" }}  '
        'replies = ["4"]  expect = answer.text == "4" }\n'
    )
    path = tmp_path / "x.tts"
    path.write_text(text, encoding="utf-8")
    (case,) = cases(load(path))
    assert case.holds(case.start().result())

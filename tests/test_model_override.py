"""`--model tiny=…` and `Flow.with_models`: other models behind declared names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphdsl import Flow, InputError, load
from graphdsl.api.model_text import read_model
from graphdsl.cli.guard import run
from graphdsl.ir.entities import EnvVar, ModelSpec

PROGRAM = """edition "2026"

model far {
  backend = openai
  name = "gpt"
  base_url = "https://host/v1"
  api_key = env("MY_KEY")
  temperature = 0.3
  stop = ["."]
  timeout = 9
  usd_per_call = 1
}
model sim { backend = simulated  accuracy = 0.5 }
model tiny { backend = embedded  name = "smollm2-135m"  slots = 3  max_tokens = 50 }
model safe { backend = fallback  models = [far, sim] }
model pair { backend = round_robin  models = [sim, tiny] }
model old { backend = replay  name = "x"  bank = "bank.jsonl"  otherwise = [tiny] }

prompt lead(q: Text) {
  user "{{ q }}"
  assistant "So"
}
prompt plain(q: Text) "{{ q }}"

flow asks(question: Text) -> List[Draft] {
  return generate(question, models: [safe, tiny, old], samples: 2)
}

flow stops(question: Text) -> List[Draft] {
  return generate(question, models: sim in [sim, pair], stop: ".")
}

flow leads(question: Text, with: Prompt = plain in [plain, lead]) -> List[Draft] {
  repeat 2 carrying asked: Messages = with(q: question) {
    drafts = generate(asked, models: tiny)
    again = if question == "x" { yield plain(q: question) } else { yield asked }
    next asked = again
  }
  return drafts
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.tts").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


@pytest.fixture
def flow(folder: Path) -> Flow:
    return load(folder / "x.tts").flow("asks")


def specs(flow: Flow, models: dict[str, str]) -> dict[str, ModelSpec]:
    """The models of a flow by name after an override, members of groups included."""
    found: dict[str, ModelSpec] = {}
    waiting = list(flow.with_models(models).graph.models)
    for spec in waiting:
        found.setdefault(spec.name, spec)
        waiting += (*spec.members, *spec.options.get("otherwise", ()))
    return found


def refused(flow: Flow, models: dict[str, str]) -> str:
    with pytest.raises(InputError) as caught:
        flow.with_models(models)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "backend", "model", "options"),
    [
        ("simulated", "simulated", "", {}),
        ("simulated:,accuracy=0.8,seed=3", "simulated", "", {"accuracy": 0.8, "seed": 3}),
        ("simulated:,replies=a\\,b,replies=c=d", "simulated", "", {"replies": ("a,b", "c=d")}),
        (
            "vllm:smollm2,base_url=http://127.0.0.1:8000/v1,run=attach",
            "vllm",
            "smollm2",
            {"base_url": "http://127.0.0.1:8000/v1", "run": "attach"},
        ),
        (
            "openai:a,base_url=http://a/v1,base_url=env:B,stream=true,max_in_flight=1_000",
            "openai",
            "a",
            {"base_url": ("http://a/v1", EnvVar("B")), "stream": True, "max_in_flight": 1000},
        ),
        (
            "litellm:openai/gpt-5-mini,api_key=env:MY_KEY,reasoning_effort=low",
            "litellm",
            "openai/gpt-5-mini",
            {"api_key": EnvVar("MY_KEY"), "reasoning_effort": "low"},
        ),
        ('litellm:x,api_key=env("MY_KEY")', "litellm", "x", {"api_key": EnvVar("MY_KEY")}),
        ("litellm:x,api_key=env(MY_KEY)", "litellm", "x", {"api_key": EnvVar("MY_KEY")}),
        ("replay:qwen2.5,bank=bank.jsonl", "replay", "qwen2.5", {"bank": "bank.jsonl"}),
        ("openai:llama3:8b", "openai", "llama3:8b", {}),
        ("llama3:8b", "embedded", "llama3:8b", {"slots": 3}),
        ("C:\\me@home\\m.gguf", "embedded", "C:\\me@home\\m.gguf", {"slots": 3}),
        ("vllm:s3://bucket/model", "vllm", "s3://bucket/model", {}),
        ("C:\\m.gguf", "embedded", "C:\\m.gguf", {"slots": 3}),
        ("./simulate:d.gguf", "embedded", "./simulate:d.gguf", {"slots": 3}),
        ("embedded:other,threads=2", "embedded", "other", {"slots": 3, "threads": 2}),
    ],
)
def test_a_text_names_backend_model_and_options(
    flow: Flow, text: str, backend: str, model: str, options: dict[str, Any]
) -> None:
    found = specs(flow, {"tiny": text})["tiny"]
    assert (found.backend, found.model) == (backend, model)
    assert found.options == {"max_tokens": 50, **options}
    assert found.folder is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "`tiny` is given no model"),
        ("openai", "`openai` is a backend; write `tiny=openai:NAME`"),
        ("openai:", "`openai` needs a name; write `tiny=openai:NAME`"),
        ("opnai:gpt", "there is no backend `opnai`; did you mean `openai`?"),
        ("typo:x", "there is no backend `typo`; there are `"),
        (
            "http://host/v1",
            "an address or a key is no name of a model; write for example "
            "`tiny=openai:NAME,base_url=http://127.0.0.1:8000/v1`",
        ),
        ("replay:x", "`replay` needs `bank`; write `tiny=replay:NAME,bank=bank.jsonl`"),
        ("fallback:x,models=sim", "a `fallback` has no name"),
        ("fallback:", "`fallback` needs `models`; write `tiny=fallback:,models=one,models=other`"),
        ("fallback:,models=simm", "`tiny` lists the model `simm`; did you mean `sim`?"),
        ("simulated:,acuracy=1", "`simulated` has no option `acuracy`; did you mean `accuracy`?"),
        ("simulated:,nothing=1", "`simulated` has no option `nothing`; it has `temperature`"),
        ("simulated:,accuracy=2", "must be a number from 0 to 1, such as `accuracy=0.5`"),
        ("simulated:,accuracy=nan", "must be a number from 0 to 1"),
        ("simulated:,tokens=1.5", "`tokens` of `tiny` must be a whole number from 1 to 100_000"),
        ("simulated:,timeout=x", "must be a number from 0.001 to 86_400, such as `timeout=0.5`"),
        ("simulated:,seed=1,seed=2", "`seed` is given twice"),
        ("simulated:,seed", "option 1 behind the name of the model has no `=`"),
        ("openai:x,stream=yes", "`stream` of `tiny` must be `true` or `false`"),
        ("openai:x,reasoning_effort=hgh", "did you mean `high`?"),
        ("openai:x,lacks=everything", "it has `seeds`, `logprobs`"),
        ("openai:x,base_url=localhost", "such as `base_url=http://127.0.0.1:8000/v1`"),
        ("openai:x,base_url=env:a-b", "this cannot be the name of an environment variable"),
        ("openai:x,base_url=", "must be an address or `env:NAME`"),
        ("replay:x,bank=", "`bank` of `tiny` must be a text or `env:NAME`"),
        ("replay:x,bank=b,otherwise=sim,otherwise=far", "must be the name of a declared model"),
        ("vllm:x,run=attach", "`run = attach` needs the address of the server"),
        ("vllm:x,run=server,base_url=http://a/v1", "means nothing with `run = server`"),
    ],
)
def test_a_wrong_text_is_refused_with_what_it_may_be(flow: Flow, text: str, message: str) -> None:
    assert message in refused(flow, {"tiny": text})


@pytest.mark.parametrize(
    "text",
    [
        "openai:x,api_key=topsecret",
        "openai:x,api_key=env:top-secret-topsecret",
        "openai:x,topsecret",
        "openai:x,api_key:topsecret",
        "openai:x,top-secret-topsecret=1",
        "openai:x,base_url=http://me:topsecret@host",
        "openai:x,base_url=http://host?key=topsecret",
        "openai:x,base_url=http://host?code=topsecret",
        "openai:x,base_url=http://host#topsecret",
        "http://me:topsecret@host/v1",
        "http:/me:topsecret@host/v1",
        "http://host/v1?code=topsecret",
        "me:topsecret@host/v1",
        "gateway:gpt,base_url=http://me:topsecret@host/v1",
        "embedded:http://host/v1?code=topsecret",
        "openai:http://me:topsecret@host/v1",
        "sk-topsecret-topsecret-topsecret",
        "openai:x,reasoning_effort=topsecret",
        "openai:x,max_in_flight=topsecret",
    ],
)
def test_a_refusal_repeats_no_value(flow: Flow, text: str) -> None:
    assert "topsecret" not in refused(flow, {"tiny": text})


@given(st.text(max_size=30), st.sampled_from(["", "openai:x,", "replay:x,bank=b,", "vllm:"]))
@settings(deadline=None, max_examples=200)
def test_any_text_is_read_or_refused(text: str, head: str) -> None:
    flow = load(PROGRAM).flow("asks")
    try:
        found = specs(flow, {"tiny": head + text})["tiny"]
    except InputError:
        return
    assert found.name == "tiny"


# ---- what stays, what does not


def test_sampling_and_patience_stay_but_not_endpoint_key_and_price(flow: Flow) -> None:
    found = specs(flow, {"far": "openai:other"})["far"]
    assert found.options == {"temperature": 0.3, "stop": (".",), "timeout": 9}


def test_what_the_other_backend_does_not_take_is_dropped(flow: Flow) -> None:
    assert specs(flow, {"tiny": "openai:other"})["tiny"].options == {"max_tokens": 50}


def test_a_group_gives_its_settings_to_the_model_in_its_place(flow: Flow) -> None:
    assert specs(flow, {"safe": "simulated"})["safe"].options == {
        "temperature": 0.3,
        "stop": (".",),
    }


def test_a_value_that_is_no_text_is_refused(flow: Flow) -> None:
    wrong: Any = {"tiny": 5}
    assert "`tiny` is given no model" in refused(flow, wrong)


# ---- groups


def test_members_can_be_replaced_by_their_own_names(flow: Flow) -> None:
    found = flow.with_models({"far": "vllm:x", "sim": "simulated:,accuracy=1"}).graph.models
    safe = next(spec for spec in found if spec.name == "safe")
    assert [(member.name, member.backend) for member in safe.members] == [
        ("far", "vllm"),
        ("sim", "simulated"),
    ]
    assert safe.members[1].options == {"accuracy": 1}


def test_a_model_is_replaced_wherever_it_stands(flow: Flow) -> None:
    found = flow.with_models({"tiny": "simulated"}).graph.models
    old = next(spec for spec in found if spec.name == "old")
    assert old.options["otherwise"] == (next(spec for spec in found if spec.name == "tiny"),)


def test_a_model_may_fall_through_to_the_one_that_was_declared(flow: Flow) -> None:
    text = "replay:x,bank=b.jsonl,otherwise=tiny"
    once = flow.with_models({"tiny": text})
    (inner,) = specs(once, {"sim": "simulated"})["tiny"].options["otherwise"]
    assert (inner.name, inner.backend, inner.options["slots"]) == ("tiny", "embedded", 3)


def test_a_group_may_be_given_from_outside(flow: Flow) -> None:
    models = {"tiny": "fallback:,models=tiny,models=sim", "sim": "simulated:,accuracy=1"}
    found = specs(flow, models)["tiny"]
    assert [(member.name, member.backend) for member in found.members] == [
        ("tiny", "embedded"),
        ("sim", "simulated"),
    ]
    assert found.members[1].options == {"accuracy": 1}


def test_models_that_list_each_other_end_at_the_declared_ones(flow: Flow) -> None:
    models = {"tiny": "fallback:,models=sim,models=old", "sim": "fallback:,models=tiny,models=far"}
    found = specs(flow, models)
    assert [member.name for member in found["tiny"].members] == ["sim", "old"]
    (inner, _) = found["tiny"].members[0].members
    assert (inner.name, inner.backend) == ("tiny", "embedded")


def test_members_are_among_the_models_that_a_message_lists(flow: Flow) -> None:
    message = refused(flow, {"other": "simulated"})
    assert message == ("`asks` uses no model `other`; it has `safe`, `tiny`, `old`, `far`, `sim`")


# ---- what the flow asks for


def test_a_model_that_lacks_what_a_call_asks_for_is_refused(folder: Path) -> None:
    stops = load(folder / "x.tts").flow("stops")
    assert refused(stops, {"sim": "simulated:,lacks=stop_strings"}) == (
        "`stop` of `stops.return` needs `stop_strings`, which `sim` lacks as a model of "
        "`simulated`; give a model that has it"
    )
    message = refused(stops, {"tiny": "simulated:,lacks=stop_strings"})
    assert "which `tiny` in `pair` lacks" in message


def test_a_prompt_that_is_to_be_continued_is_followed_through_forms(folder: Path) -> None:
    leads = load(folder / "x.tts").flow("leads")
    message = refused(leads, {"tiny": "openai:x"})
    assert message.startswith("the last turn of prompt `lead` needs `prefix_continuation`")
    assert leads.with_models({"tiny": "openai:x,has=prefix_continuation"}).graph.models
    plain = load((folder / "x.tts").read_text().replace("plain in [plain, lead]", "plain"))
    assert plain.flow("leads").with_models({"tiny": "openai:x"}).graph.models


def test_a_kept_setting_that_the_other_model_cannot_use_is_refused(flow: Flow) -> None:
    message = refused(flow, {"far": "openai:x,lacks=stop_strings"})
    assert message.startswith("`stop` of `safe` needs `stop_strings`, which `far` in `safe` lacks")


# ---- the command


@pytest.mark.parametrize(
    "text",
    ["http://me:topsecret@host/v1", "http://me:topsecret@host/v1?a=b", "=http://me:topsecret@host"],
)
def test_an_address_without_a_name_is_refused_without_repeating_it(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    assert run(["plan", str(folder / "x.tts"), "asks", "--model", text]) == 2
    said = capsys.readouterr().err
    assert "the name of a declared model stands before `=`" in said
    assert "topsecret" not in said


def test_a_name_that_is_none_is_not_repeated(flow: Flow) -> None:
    assert "uses no model of that name; it has" in refused(flow, {"http://a:b@host": "simulated"})


def test_the_option_takes_the_same_texts(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = str(folder / "x.tts")
    argv = ["plan", program, "asks", "--emit", "ir", "--model"]
    text = "tiny=openai:gpt,base_url=http://127.0.0.1:9/v1,api_key=env:MY_KEY"
    assert run([*argv, text]) == 0
    shown = capsys.readouterr().out
    assert 'model @tiny = openai "gpt" {max_tokens: 50, base_url: "http://127.0.0.1:9/v1"' in shown
    assert 'api_key: env "MY_KEY"' in shown
    assert run([*argv, "tiny=openai:gpt,api_key=topsecret"]) == 1
    assert "topsecret" not in "".join(capsys.readouterr())


def test_groups_are_shown_with_their_members(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", str(folder / "x.tts"), "asks"]) == 0
    assert "safe (fallback: far, sim)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", ["C:\\x.gguf", "C:/models/x", "./a:b", "odd:x.gguf", "llama3:8b", "smollm2"]
)
def test_a_path_and_a_name_of_the_catalogue_are_no_backend(text: str) -> None:
    read = read_model(text, "tiny")
    assert (read.kind.name, read.model) == ("embedded", text)

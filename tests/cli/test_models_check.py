"""`graphdsl models check`: every declared model is asked, and none hides another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphdsl.errors import BackendError, CallTimeout, Unsupported
from graphdsl.executors.abc import (
    Backend,
    ChatRequest,
    Embeddings,
    EmbedRequest,
    ScoreRequest,
    Scores,
)
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.model_check import check_models, hosts_of
from graphdsl.plan import ModelSpec
from graphdsl.testing.faulty_server import MODEL, FaultyServer
from graphdsl.values import Usage
from tests.plans import Fake, model, serving

Call = Callable[..., Any]

HEAD = 'edition "2026"\n'
FLOW = """
flow f(question: Text) -> Draft {
  drafts = generate(question, models: MODEL)
  only = first(drafts)
  return only
}
"""


@pytest.fixture
def check(call: Call, tmp_path: Path) -> Callable[..., Any]:
    """`check("model m { … }", …)`: the command on a file of these lines."""

    def checked(*lines: str, argv: tuple[object, ...] = ("--json",)) -> Any:
        path = tmp_path / "models.tts"
        path.write_text(HEAD + "\n".join(lines) + "\n")
        return call("models", "check", path, *argv)

    return checked


Check = Callable[..., Any]
SIM = "model sim { backend = simulated }"
BROKEN = "model broken { backend = simulated  failures = 1 }"
GONE = 'model gone { backend = openai  name = "big"  base_url = "http://127.0.0.1:9/v1" }'


def test_a_model_that_answers_says_what_it_can_do(check: Check) -> None:
    done = check('model sim { backend = simulated  name = "s"  slots = 3  lacks = ["seeds"] }')
    assert (done.code, done.err) == (0, "")
    (model,) = done.json["models"]
    assert done.json["ok"] is True
    assert (model["name"], model["backend"], model["model"]) == ("sim", "simulated", "s")
    assert (model["ok"], model["error"], model["kind"]) == (True, None, None)
    assert model["seconds"] >= 0
    assert "logprobs" in model["capabilities"]
    assert "seeds" not in model["capabilities"]
    assert (model["max_in_flight"], model["context_tokens"]) == (3, 8192)
    assert model["price"]["source"] == "local"


def test_one_dead_model_does_not_hide_the_others(check: Check) -> None:
    done = check(GONE, SIM, BROKEN)
    assert done.code == 4
    assert done.json["ok"] is False
    gone, sim, broken = done.json["models"]
    assert [model["ok"] for model in (gone, sim, broken)] == [False, True, False]
    assert (gone["kind"], gone["hosts"]) == ("Unreachable", ["127.0.0.1:9"])
    assert "cannot be reached" in gone["error"]
    assert (broken["kind"], broken["seconds"]) == ("BackendError", None)
    assert broken["capabilities"]


def test_a_table_is_for_people(check: Check) -> None:
    done = check(GONE, SIM, BROKEN, argv=())
    assert done.code == 4
    first = done.out.splitlines()[0].split()
    assert first == ["model", "backend", "name", "at", "answer", "price"]
    assert "gone: `gone` at `127.0.0.1:9` cannot be reached" in done.out
    assert "sim: seeds, logprobs" in done.out
    assert "2 of 3 models did not answer" in done.err


def test_no_key_is_shown(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    monkeypatch.setenv("MY_URL", "http://user:hunter2@127.0.0.1:9/v1?token=sesame")
    endpoint = 'base_url = env("MY_URL")  api_key = env("MY_KEY")'
    line = f'model m {{ backend = openai  name = "x"  {endpoint} }}'
    for argv in (("--json",), ()):
        done = check(line, argv=argv)
        assert done.code == 4
        assert "127.0.0.1:9" in done.out
        for secret in ("sk-very-secret", "hunter2", "sesame"):
            assert secret not in done.out + done.err


def test_a_variable_that_is_not_set_is_an_error_of_that_model(check: Check) -> None:
    done = check(
        'model m { backend = openai  name = "x"  base_url = env("NO_SUCH_VARIABLE") }', SIM
    )
    unset, sim = done.json["models"]
    assert (done.code, sim["ok"]) == (4, True)
    assert "`NO_SUCH_VARIABLE`, which is not set" in unset["error"]
    assert unset["capabilities"] is None


def test_a_price_in_the_file_is_shown(check: Check) -> None:
    prices = "usd_per_mtok_in = 0.25  usd_per_mtok_out = 2  usd_per_call = 0.001"
    line = f"model sim {{ backend = simulated  {prices} }}"
    price = check(line).json["models"][0]["price"]
    assert (price["usd_per_mtok_in"], price["usd_per_mtok_out"]) == (0.25, 2.0)
    assert (price["usd_per_call"], price["source"]) == (0.001, "the file")
    out = check(line, argv=()).out
    assert "$0.25 in, $2 out per million + $0.001 per call" in out


def test_a_group_is_as_well_as_the_best_of_its_models(check: Check) -> None:
    done = check(
        GONE,
        SIM,
        BROKEN,
        "model safe { backend = fallback  models = [gone, sim] }",
        "model dead { backend = round_robin  models = [gone, broken] }",
        "model nested { backend = fallback  models = [dead, safe] }",
    )
    assert done.code == 4
    found = {model["name"]: model for model in done.json["models"]}
    assert len(found) == 6
    assert (found["safe"]["ok"], found["safe"]["members"]) == (True, ["gone", "sim"])
    assert (found["dead"]["ok"], found["dead"]["error"]) == (False, "no model of `dead` answers")
    assert found["nested"]["ok"]


def test_a_bank_is_well_when_it_can_be_read(check: Check, call: Call, tmp_path: Path) -> None:
    program = tmp_path / "record.tts"
    program.write_text(HEAD + SIM + FLOW.replace("MODEL", "sim"))
    bank = tmp_path / "bank.jsonl"
    assert call("run", program, "-i", "question=x", "--record", bank).code == 0
    done = check(
        'model good { backend = replay  name = "sim"  bank = "bank.jsonl" }',
        'model bad { backend = replay  name = "sim"  bank = "no.jsonl" }',
    )
    good, bad = done.json["models"]
    assert (good["ok"], bad["ok"], bad["kind"]) == (True, False, "ModelNotFound")


def test_a_bank_and_what_is_asked_otherwise_are_checked_apart(check: Check, tmp_path: Path) -> None:
    (tmp_path / "bank.jsonl").write_text('{"model": "sim", "item": 0, "text": "x"}\n')
    replay = 'model m { backend = replay  name = "sim"  bank = "bank.jsonl"  otherwise = gone }'
    done = check(replay, GONE)
    assert done.code == 4
    bank, gone = done.json["models"]
    assert (bank["name"], bank["ok"], bank["members"]) == ("m", True, ["gone"])
    assert (gone["name"], gone["ok"], gone["members"]) == ("gone", False, [])
    assert "sim, else gone" in check(replay, GONE, argv=()).out


def test_an_endpoint_that_nothing_names_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert hosts_of(ModelSpec("m", "openai", "x")) == ("api.openai.com",)
    assert hosts_of(ModelSpec("m", "vllm", "x")) == ()
    assert hosts_of(ModelSpec("m", "litellm", "anthropic/x")) == ()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert hosts_of(ModelSpec("m", "openai", "x")) == ("127.0.0.1:9",)


def test_models_of_imported_files_are_asked_where_a_flow_uses_them(
    check: Check, tmp_path: Path
) -> None:
    (tmp_path / "other.tts").write_text(
        HEAD + "model used { backend = simulated }\nmodel idle { backend = simulated }\n"
    )
    done = check('import "other.tts" as other', SIM, FLOW.replace("MODEL", "other.used"))
    assert done.code == 0
    assert [model["name"] for model in done.json["models"]] == ["sim", "other.used"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("model m { backend = nothing }", "diagnostics"),
        ("flow same(text: Text) -> Text {\n  return text\n}", "error"),
    ],
)
def test_a_wrong_file_and_one_without_models_are_code_1(check: Check, line: str, said: str) -> None:
    done = check(line)
    assert done.code == 1
    assert done.json["ok"] is False
    assert done.json[said]


def test_a_file_that_is_not_there_is_code_1(call: Call, tmp_path: Path) -> None:
    assert call("models", "check", tmp_path / "no.tts").code == 1


# ---- several addresses, other models


REPLICAS = """model m {{
  backend = openai  name = "{name}"  base_url = ["{url}", "http://127.0.0.1:9/v1"]
}}"""


async def test_a_dead_replica_is_shown_beside_one_that_works(check: Check) -> None:
    async with FaultyServer() as server:
        line = REPLICAS.format(name=MODEL, url=server.url)
        done = await asyncio.to_thread(check, line)
        shown = await asyncio.to_thread(check, line, argv=())
    (model,) = done.json["models"]
    assert (done.code, model["ok"], model["error"]) == (0, True, None)
    well, dead = model["replicas"]
    assert (well["ok"], well["error"], dead["ok"], dead["kind"]) == (
        True,
        None,
        False,
        "Unreachable",
    )
    assert [well["host"], dead["host"]] == model["hosts"]
    assert model["seconds"] == well["seconds"]
    assert shown.code == 0
    assert ", 1 of 2 replicas" in shown.out
    assert "m: `m` at `127.0.0.1:9` cannot be reached" in shown.out


def test_a_model_none_of_whose_replicas_works_is_code_4(check: Check) -> None:
    line = REPLICAS.format(name="big", url="http://127.0.0.1:1/v1")
    done = check(line)
    (model,) = done.json["models"]
    assert (done.code, model["ok"], model["kind"]) == (4, False, "Unreachable")
    assert [replica["ok"] for replica in model["replicas"]] == [False, False]
    shown = check(line, argv=()).out
    assert "`127.0.0.1:1`" in shown
    assert "`127.0.0.1:9`" in shown


def test_a_model_with_one_address_has_no_replicas(check: Check) -> None:
    assert check(SIM).json["models"][0]["replicas"] == []


def test_what_is_about_to_run_can_be_checked(check: Check) -> None:
    done = check(GONE, SIM, argv=("--json", "--model", "gone=simulated:small"))
    assert done.code == 0
    gone, _ = done.json["models"]
    assert (gone["name"], gone["backend"], gone["model"]) == ("gone", "simulated", "small")


def test_a_member_of_a_group_can_be_another(check: Check) -> None:
    group = "model safe { backend = fallback  models = [gone] }"
    done = check(GONE, group, argv=("--json", "--model", "gone=simulated"))
    assert [model["ok"] for model in done.json["models"]] == [True, True]


def test_a_model_that_the_file_lacks_cannot_be_another(check: Check) -> None:
    done = check(SIM, argv=("--model", "sin=simulated"))
    assert done.code == 1
    assert "has no model `sin`; did you mean `sim`?" in done.err


# ---- without the command line


class Silent(Fake):
    """Does not chat; embeds and scores."""

    def __init__(self, **able: bool) -> None:
        super().__init__(lambda _: Unsupported("chat", model="m"), **able)

    async def embed(self, request: EmbedRequest) -> Embeddings:
        return Embeddings(((1.0,),) * len(request.texts), Usage(1, 1))

    async def score(self, request: ScoreRequest) -> Scores:
        return Scores((1.0,) * len(request.texts), Usage(1, 1))


@pytest.mark.parametrize(
    ("able", "well"),
    [({"embeddings": True}, True), ({"relevance_scores": True}, True), ({}, False)],
)
async def test_what_cannot_chat_is_asked_for_what_it_can(able: dict[str, bool], well: bool) -> None:
    async with serving(m=Silent(**able)) as backends:
        (checkup,) = await check_models([model("m")], backends)
    assert (checkup.error is None) is well
    assert isinstance(checkup.error, Unsupported | None)


async def test_one_token_is_asked_for() -> None:
    fake = Fake("hi")
    async with serving(m=fake) as backends:
        await check_models([model("m")], backends)
    (asked,) = fake.asked
    assert (asked.max_tokens, asked.temperature) == (1, 0.0)


async def test_a_model_that_does_not_answer_in_time_is_given_up() -> None:
    async def never(_request: ChatRequest) -> str:
        await asyncio.Event().wait()
        return "never"

    async with serving(slow=Fake(never), quick=Fake("hi")) as backends:
        slow, quick = await check_models([model("slow"), model("quick")], backends, 0.05)
    assert isinstance(slow.error, CallTimeout)
    assert str(slow.error) == "`slow` gave no reply within 0.05 s"
    assert quick.error is None


async def test_few_models_are_opened_at_once() -> None:
    opening, most = 0, 0

    async def opener(_spec: ModelSpec) -> Backend:
        nonlocal opening, most
        opening += 1
        most = max(most, opening)
        await asyncio.sleep(0.001)
        opening -= 1
        return Fake("hi")

    async with Backends(opener) as backends:
        names = [f"m{number}" for number in range(12)]
        found = await check_models([model(name) for name in names], backends)
    assert [checkup.spec.name for checkup in found] == names
    assert 1 < most <= 4


async def test_what_may_be_asked_otherwise_is_checked_too() -> None:
    live = model("live")
    bank = ModelSpec("bank", "replay", "live", {"otherwise": (live,)})
    async with serving(bank=Fake("hi"), live=Fake(lambda _: BackendError("broken"))) as backends:
        found = await check_models([bank], backends)
    assert [(checkup.spec.name, checkup.error is None) for checkup in found] == [
        ("bank", True),
        ("live", False),
    ]

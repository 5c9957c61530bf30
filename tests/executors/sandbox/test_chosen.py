"""Which sandbox is used, and what is said when there is none."""

from __future__ import annotations

import pytest

from graphdsl.errors import InputError, SandboxError
from graphdsl.executors.sandbox import chosen
from graphdsl.executors.sandbox.abc import Kind, Strength
from graphdsl.executors.sandbox.chosen import VARIABLE, Chosen, sandbox
from graphdsl.executors.sandbox.kinds import KINDS
from graphdsl.executors.sandbox.probing import Probe
from graphdsl.ops.execution import Execution

STRONG = tuple(kind for kind in KINDS if kind.strength is not Strength.WEAK)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No kind works, but the weak one; the names of those that were tried."""
    names: list[str] = []

    async def probe(kind: Kind) -> Probe:
        names.append(kind.name)
        return Probe(kind, Chosen("auto") if kind.strength is Strength.WEAK else None, "it is off")

    monkeypatch.setattr(chosen, "probe", probe)
    monkeypatch.setattr(chosen, "_probes", {})
    return names


async def test_without_a_sandbox_nothing_runs_and_the_weak_one_is_not_tried(
    tried: list[str],
) -> None:
    with pytest.raises(SandboxError, match="--sandbox subprocess") as caught:
        await Chosen("auto").execute(Execution("pass"))
    assert "landlock: it is off" in str(caught.value)
    assert tried == [kind.name for kind in STRONG]


async def test_a_kind_is_tried_once_per_process(tried: list[str]) -> None:
    for _ in range(2):
        with pytest.raises(SandboxError):
            await chosen.choose("auto")
    assert tried == [kind.name for kind in STRONG]


async def test_what_may_pass_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [False, True]

    async def probe(kind: Kind) -> Probe:
        works = found.pop(0)
        return Probe(kind, Chosen("auto") if works else None, "the disk is full", lasting=works)

    monkeypatch.setattr(chosen, "probe", probe)
    monkeypatch.setattr(chosen, "_probes", {})
    with pytest.raises(SandboxError, match="the disk is full"):
        await chosen.choose("landlock")
    await chosen.choose("landlock")
    await chosen.choose("landlock")
    assert found == []


async def test_a_name_allows_no_other_kind(tried: list[str]) -> None:
    with pytest.raises(SandboxError, match="`docker` does not work here: docker: it is off"):
        await chosen.choose("docker")
    assert tried == ["docker"]


async def test_naming_the_weak_kind_is_consent(tried: list[str]) -> None:
    await chosen.choose("subprocess")
    assert tried == ["subprocess"]


def test_the_environment_names_a_kind_where_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, "subprocess")
    assert sandbox().name == "subprocess"
    assert sandbox() is sandbox("subprocess")
    monkeypatch.delenv(VARIABLE)
    assert sandbox() is sandbox("auto")


def test_an_unknown_name_is_reported_with_where_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="no sandbox `dokcer`; did you mean `docker`"):
        sandbox("dokcer")
    monkeypatch.setenv(VARIABLE, "none")
    with pytest.raises(InputError, match=f"in {VARIABLE}; there are auto, namespaces"):
        sandbox()

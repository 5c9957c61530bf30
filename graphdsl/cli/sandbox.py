"""`graphdsl sandbox`: what can run code of models on this machine, tried out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import SandboxName, json_option
from graphdsl.cli.output import BOLD, GREEN, RED, paint, print_json, safe, show

if TYPE_CHECKING:
    from graphdsl.executors.sandbox.probing import Probe


@click.command("sandbox")
@click.argument("name", required=False, type=SandboxName(), metavar="[NAME]")
@json_option
def command(name: str | None, as_json: bool) -> int:
    """Try the sandboxes for code of models, and say which would be used.

    With a NAME, such as `docker`: whether that one works. Exits with 4 when no sandbox would be
    used.
    """
    import asyncio

    from graphdsl.executors.sandbox.chosen import sandbox

    asked = sandbox(name).name
    found, used = asyncio.run(_tried(asked))
    if as_json:
        from graphdsl.cli.schemas import SandboxReport

        kinds = [_record(one) for one in found]
        ok = used is not None
        report = {"ok": ok, "asked": asked, "used": used, "kinds": kinds}
        print_json(SandboxReport.model_validate(report))
    else:
        _print(found, used, asked)
    return Exit.BACKEND if used is None else Exit.OK


async def _tried(asked: str) -> tuple[Sequence[Probe], str | None]:
    """Every kind, tried, and the one that the name asked for stands for."""
    from graphdsl.executors.sandbox.chosen import allowed, probed
    from graphdsl.executors.sandbox.kinds import KINDS

    found = [await probed(kind) for kind in KINDS]
    candidates = {kind.name for kind in allowed(asked)}
    working = [one.kind.name for one in found if one.works and one.kind.name in candidates]
    return found, working[0] if working else None


def _record(one: Probe) -> dict[str, Any]:
    return {
        "name": one.kind.name,
        "strength": one.kind.strength.value,
        "works": one.works,
        "why": one.why or None,
        "allows": list(one.allowed),
    }


def _print(found: Sequence[Probe], used: str | None, asked: str) -> None:
    from graphdsl.executors.sandbox.chosen import VARIABLE

    for one in found:
        mark = paint("works", GREEN, sys.stdout) if one.works else paint("no   ", RED, sys.stdout)
        name = paint(f"{one.kind.name:<11}", BOLD, sys.stdout)
        show(f"{name} {one.kind.strength.value:<9} {mark}  {safe(_about(one))}".rstrip())
    where = f" ({VARIABLE})" if os.environ.get(VARIABLE) == asked else ""
    show("")
    if used is None:
        show(f"`{asked}`{where} gives no sandbox: code that a model wrote is not run")
        show("to run it with limits only: `--sandbox subprocess`; docs/sandbox.md has more")
    else:
        show(f"`{asked}`{where} uses `{used}`")


def _about(one: Probe) -> str:
    """Why it does not work, or what it lets through."""
    return one.why if not one.works else "; ".join(one.allowed)

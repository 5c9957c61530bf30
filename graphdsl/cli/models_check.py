"""`graphdsl models check`: asks each declared model for one token."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import file_argument, json_option, models_option
from graphdsl.cli.output import console, counted, print_error, print_json, safe
from graphdsl.cli.programs import load
from graphdsl.cli.progress import wait_for
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.executors.model_check import Checkup
    from graphdsl.ir.entities import ModelSpec
    from graphdsl.prices import Price


@click.command("check")
@file_argument
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds that a model gets to answer, once it is open.",
)
@models_option
@json_option
def check_command(file: Path, timeout: float, models: dict[str, str], as_json: bool) -> int:
    """Ask each model of a program for one token, and say what it can do and takes."""
    from graphdsl.api.models import other_models

    specs = load(file, as_json).models
    if not specs:
        raise InputError(f"`{file}` declares no model, and its flows use none")
    specs = other_models(specs, models, f"`{file}` has no model")
    found = _checked(specs, timeout)
    if as_json:
        _print_record(found)
    else:
        _print_table(found)
    failed = sum(checkup.error is not None for checkup in found)
    if failed and not as_json:
        print_error(f"{failed} of {counted(len(found), 'model')} did not answer")
    return Exit.BACKEND if failed else Exit.OK


def _checked(specs: Sequence[ModelSpec], timeout: float) -> Sequence[Checkup]:
    from graphdsl.api.runtime import runtime
    from graphdsl.executors.model_check import check_models

    future = runtime().submit(lambda backends: check_models(specs, backends, timeout))
    return wait_for(future, f"asking {counted(len(specs), 'model')} …")


def _print_record(found: Sequence[Checkup]) -> None:
    from graphdsl.cli.schemas import ModelsCheckReport

    ok = all(checkup.error is None for checkup in found)
    models = [_record(checkup) for checkup in found]
    print_json(ModelsCheckReport.model_validate({"ok": ok, "models": models}))


def _record(checkup: Checkup) -> dict[str, Any]:
    from graphdsl.prices import members_of

    spec, able, error = checkup.spec, checkup.capabilities, checkup.error
    return {
        "name": spec.name,
        "backend": spec.backend,
        "model": spec.model,
        "hosts": list(checkup.hosts),
        "ok": error is None,
        "kind": None if error is None else type(error).__name__,
        "error": None if error is None else str(error),
        "seconds": checkup.seconds,
        "capabilities": None if able is None else _abilities(checkup),
        "max_in_flight": None if able is None else able.max_in_flight,
        "context_tokens": None if able is None else able.context_tokens,
        "price": None if checkup.price is None else _price_record(checkup.price),
        "members": [member.name for member in members_of(spec)],
        "replicas": [_replica_record(replica) for replica in checkup.replicas],
    }


def _replica_record(checkup: Checkup) -> dict[str, Any]:
    error = checkup.error
    return {
        "host": next(iter(checkup.hosts), None),
        "ok": error is None,
        "kind": None if error is None else type(error).__name__,
        "error": None if error is None else str(error),
        "seconds": checkup.seconds,
    }


def _price_record(price: Price) -> dict[str, Any]:
    from graphdsl.values import PICO

    million = 10**6 / PICO
    return {
        "usd_per_mtok_in": price.input * million,
        "usd_per_mtok_cached": price.cached * million,
        "usd_per_mtok_out": price.output * million,
        "usd_per_call": price.call / PICO,
        "usd_per_hour": price.hour / PICO,
        "source": price.source,
    }


def _abilities(checkup: Checkup) -> list[str]:
    from graphdsl.ir.backends import CAPABILITIES

    return [name for name in CAPABILITIES if getattr(checkup.capabilities, name, False)]


def _print_table(found: Sequence[Checkup]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "backend", "name", "at", "answer"):
        table.add_column(heading, no_wrap=heading in ("model", "backend", "answer"))
    table.add_column("price", overflow="fold")
    for checkup in found:
        spec = checkup.spec
        name = ", ".join(member.name for member in spec.members) or spec.model
        name += "".join(f", else {other.name}" for other in spec.others)
        answer = _answer(checkup)
        style = "red" if checkup.error is not None else "yellow" if _dead(checkup) else None
        hosts = ", ".join(checkup.hosts)
        cells = (spec.name, spec.backend, name, hosts, answer, _price(checkup.price))
        table.add_row(*map(safe, cells), style=style)
    screen = console()
    screen.print(table)
    screen.print()
    for checkup in found:
        style = "dim" if checkup.error is None else None
        screen.print(safe(_remark(checkup)), style=style, soft_wrap=True)
        for replica in _dead(checkup):
            screen.print(safe(f"{replica.spec.name}: {replica.error}"), soft_wrap=True)


def _answer(checkup: Checkup) -> str:
    if checkup.error is not None:
        return "failed"
    seconds, dead, all_of = checkup.seconds, len(_dead(checkup)), len(checkup.replicas)
    if seconds is None:
        return "ok"
    time = f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    return f"{time}, {all_of - dead} of {all_of} replicas" if dead else time


def _dead(checkup: Checkup) -> list[Checkup]:
    """Those of several replicas that do not answer."""
    return [replica for replica in checkup.replicas if replica.error is not None]


def _remark(checkup: Checkup) -> str:
    """What it can do, or why it does not answer."""
    name, able = checkup.spec.name, checkup.capabilities
    if checkup.error is not None:
        return f"{name}: {'no replica answers' if checkup.replicas else checkup.error}"
    if able is None:
        return f"{name}: answers where one of its models does"
    most = "at most " if able.adaptive else ""
    flight = f"{most}{able.max_in_flight} calls at once"
    context = f", {able.context_tokens} tokens of context" if able.context_tokens else ""
    return f"{name}: {', '.join(_abilities(checkup)) or 'chat only'}; {flight}{context}"


def _price(price: Price | None) -> str:
    """Prices per million tokens in and out, and what comes beside them."""
    from graphdsl.prices import dollars

    if price is None:
        return "unknown"
    parts: list[str] = []
    if price.input or price.output:
        rates = f"{dollars(price.input * 10**6)} in, {dollars(price.output * 10**6)} out"
        parts.append(f"{rates} per million")
    if price.call:
        parts.append(f"{dollars(price.call)} per call")
    if price.hour:
        parts.append(f"{dollars(price.hour)} per hour")
    return " + ".join(parts) or "free"

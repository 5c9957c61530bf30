"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

SANDBOXES: Final = (
    "auto",
    "namespaces",
    "bwrap",
    "podman",
    "docker",
    "landlock",
    "subprocess",
)
"""The kinds of sandboxes that may be named, spelled out: looking them up would load them all."""

PATH: Final = click.Path(readable=False, path_type=Path)
"""A path. Whether it can be read is for the reader to say, which knows what it is for."""


class SandboxName(click.Choice[str]):
    """The name of a kind of sandbox."""

    name = "kind"

    def __init__(self) -> None:
        super().__init__(SANDBOXES)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it is. Raises a usage error for one that no kind has."""
        if value not in SANDBOXES:
            from graphdsl.diagnostics import did_you_mean

            near = did_you_mean(str(value), SANDBOXES)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(SANDBOXES)}"
            self.fail(f"there is no sandbox `{value}`; {hint}", param, ctx)
        return value


class Whole(click.IntRange):
    """A whole number, from `min` on where there is one."""

    name = "number"

    def _describe_range(self) -> str:
        return "" if self.min is None and self.max is None else super()._describe_range()

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number that a text stands for. Raises a usage error."""
        try:
            number = int(value)
        except ValueError:
            number = None
        if number is None or (self.min is not None and number < self.min):
            least = "" if self.min is None else f", {self.min:g} or more"
            self.fail(f"it must be a whole number{least}, not `{value}`", param, ctx)
        return number


class Positive(click.FloatRange):
    """A finite number above 0."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number that a text stands for. Raises a usage error."""
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < float("inf"):
            self.fail(f"it must be a number above 0, not `{value}`", param, ctx)
        return number


F = TypeVar("F", bound=Callable[..., Any])


def json_option(function: F) -> F:
    """`--json`: one object on stdout instead of text."""
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object (see docs/json.md)."
    )(function)


def file_argument(function: F) -> F:
    """`FILE`: the program. Whether it exists is for the reader to say."""
    return click.argument("file", type=PATH)(function)


def flow_argument(function: F) -> F:
    """`[FLOW]`: may be left out where the program has one flow."""
    return click.argument("flow", required=False)(function)


def pins_option(function: F) -> F:
    """`--with PINS.json`: values of holes."""
    return click.option(
        "--with",
        "pins",
        type=PATH,
        metavar="PINS.json",
        help="Values of holes: a JSON object of addresses and labels or numbers (`-`: stdin).",
    )(function)


def models_option(function: F) -> F:
    """`--model tiny=OTHER`: another model behind a declared name."""
    return click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME=MODEL",
        callback=_model_pairs,
        help="Use another model for a declared one: a catalogue name, a .gguf file, `simulated`, "
        "or `BACKEND:NAME,key=value,…`, such as "
        "`tiny=vllm:smollm2,base_url=http://127.0.0.1:8000/v1,api_key=env:MY_KEY`. Repeatable.",
    )(function)


def _model_pairs(
    _context: click.Context, _param: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    for text in given:
        name, equals, model = text.partition("=")
        if not equals or not all(part.isidentifier() for part in name.split(".")):
            raise click.BadParameter(  # without the text: an address may hold a password
                "the name of a declared model stands before `=`; write for example `tiny=simulated`"
            )
        if not model.strip():
            raise click.BadParameter(
                f"`{name}` is given no model; write for example `{name}=simulated`"
            )
    return pairs(given, "tiny=simulated")


def pairs(given: tuple[str, ...], example: str) -> dict[str, str]:
    """`k=v` texts as a dict. Raises a usage error for a text without `=`, or a name twice."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if equals and not name:
            raise click.BadParameter(f"`{text}` has no name before `=`; write `{example}`")
        if not equals:
            raise click.BadParameter(f"`{text}` has no `=`; write for example `{example}`")
        if name in found:
            raise click.BadParameter(f"`{name}` is given twice")
        found[name] = value
    return found

"""`graphdsl methods`: the published methods that come with the package, to call or to copy."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from graphdsl.cli.codes import Exit
from graphdsl.cli.options import json_option
from graphdsl.cli.output import BOLD, DIM, paint, print_json, show
from graphdsl.diagnostics import did_you_mean
from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.syntax import tree


@dataclass(frozen=True, slots=True)
class Method:
    """A flow of the standard library: its file, what the comment above it says, and its text."""

    file: str
    name: str
    doc: str
    text: str

    @property
    def command(self) -> str:
        """How it is run from the command line."""
        return f"graphdsl run std/{self.file} {self.name}"


@click.command("methods")
@click.argument("name", required=False)
@click.option("--source", is_flag=True, help="Print the whole file, to copy it.")
@json_option
def command(name: str | None, source: bool, as_json: bool) -> int:
    """List the published methods that are there as flows, or print one as it is written.

    NAME is a method, or a file of the library such as `voting`.
    """
    if source and name is None:
        raise click.UsageError("`--source` needs a NAME: a method or a file")
    found = list(_chosen(name))
    if source and not as_json:
        show(_source(found[0].file).rstrip("\n"))
        return Exit.OK
    if as_json:
        from graphdsl.cli.schemas import MethodsReport

        print_json(MethodsReport.model_validate({"methods": [_record(one) for one in found]}))
    elif name is not None and len(found) == 1:
        _print_one(found[0])
    else:
        _print_all(found)
    return Exit.OK


def methods() -> Iterator[Method]:
    """Every flow of the standard library, by file."""
    from graphdsl.api.reading import examine
    from graphdsl.compiler.modules import std_names

    for file in std_names():
        checked = examine(f"std/{file}")
        text = checked.sources[f"std/{file}"].text
        for flow in () if checked.module is None else checked.module.flows.values():
            yield Method(file, flow.name.text, _comment(text, flow), _written(text, flow))


def _chosen(name: str | None) -> Iterator[Method]:
    every = list(methods())
    files = {one.file.removesuffix(".tts") for one in every}
    names = {one.name for one in every}
    if name is None:
        yield from every
    elif name in names:
        yield from (one for one in every if one.name == name)
    elif (file := name.removeprefix("std/").removesuffix(".tts")) in files:
        yield from (one for one in every if one.file == f"{file}.tts")
    else:
        near = did_you_mean(name, sorted(names | files))
        hint = f"did you mean `{near[0]}`?" if near else "`graphdsl methods` lists them"
        raise InputError(f"there is no method `{name}`; {hint}")


def _source(file: str) -> str:
    from graphdsl.compiler.modules import std_source

    source = std_source(file)
    assert source is not None
    return source.text


def _comment(text: str, flow: tree.Flow) -> str:
    """The comment lines right above a flow, as one paragraph."""
    above = text[: flow.span.start].rstrip("\n").rpartition("\n\n")[2]
    lines = [line.removeprefix("#").strip() for line in above.splitlines() if line.startswith("#")]
    return " ".join(lines)


def _written(text: str, flow: tree.Flow) -> str:
    return text[flow.span.start : flow.span.end]


def _print_all(found: list[Method]) -> None:
    file = ""
    for one in found:
        if one.file != file:
            file = one.file
            show(("\n" if one is not found[0] else "") + paint(f"std/{file}", BOLD, sys.stdout))
        show(f"  {one.name}")
        indent = "      "
        show(textwrap.fill(one.doc, 98, initial_indent=indent, subsequent_indent=indent))
    note = '`graphdsl methods NAME` prints one; `import "std/FILE" as x` lets a program call it'
    show("\n" + paint(note, DIM, sys.stdout))


def _print_one(one: Method) -> None:
    show(textwrap.fill(one.doc, 98, initial_indent="# ", subsequent_indent="# "))
    show(one.text + "\n")
    show("\n" + paint(f"# {one.command} --input …", DIM, sys.stdout))
    show(paint(f"# the whole file: graphdsl methods {one.name} --source", DIM, sys.stdout))


def _record(one: Method) -> dict[str, str]:
    return {
        "file": f"std/{one.file}",
        "name": one.name,
        "doc": one.doc,
        "text": one.text,
        "command": one.command,
    }

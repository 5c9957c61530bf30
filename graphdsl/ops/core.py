"""What the compiler makes beside operator calls: literals, lists, fields, comparisons, prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphdsl.ops.compare import both, compare, either, negate
from graphdsl.ops.context import Args, PureKernel
from graphdsl.ops.convert import convert
from graphdsl.ops.fields import field
from graphdsl.ops.templates import render
from graphdsl.values import Value


def const(args: Args) -> Value:
    """A literal."""
    return args["value"]


def absent(args: Args) -> Value:
    """The missing value."""
    return None


def as_list(args: Args) -> Value:
    """A list of the inputs `0`, `1`, …"""
    return tuple(args[str(number)] for number in range(len(args)))


def as_record(args: Args) -> Value:
    """A record of the inputs."""
    return dict(args)


def render_prompt(args: Args) -> Value:
    """A prompt filled with the inputs of its parameters' names."""
    prompt = args["prompt"]
    return render(prompt, {name: args.get(name) for name in prompt.params})


CORE: Final[Mapping[str, PureKernel]] = {
    "const": const,
    "absent": absent,
    "list": as_list,
    "record": as_record,
    "field": field,
    "compare": compare,
    "and": both,
    "or": either,
    "not": negate,
    "render": render_prompt,
    "convert": convert,
}
"""Kernels of the compiler's own ops (`graphdsl.ir.nodes`), control excepted."""

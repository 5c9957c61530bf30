"""What a contender is, and who they are."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, cast

from benchmarks.overhead_parts.shapes import Work
from benchmarks.overhead_parts.stub import Stub

Run = Callable[[], Awaitable[object]]
"""Runs the graph once."""


class CannotExpress(Exception):
    """The framework has no way to say this; it is reported, not emulated."""


class Build(Protocol):
    """Makes a graph ready to run, once; that time is not counted. Raises `CannotExpress`."""

    def __call__(self, work: Work, stub: Stub) -> Run:
        """The graph, compiled."""
        ...


@dataclass(frozen=True)
class Contender:
    """One row of the tables: `build` in `module`, there when `needs` is installed."""

    name: str
    module: str
    build: str = "build"
    needs: str | None = None
    package: str = ""

    @property
    def version(self) -> str | None:
        """Of what it needs; None when that is not installed."""
        if self.needs is None:
            return ""
        try:
            found = importlib.util.find_spec(self.needs) is not None
        except ModuleNotFoundError:
            found = False
        return importlib.metadata.version(self.package) if found else None

    def load(self) -> Build:
        """Its `build`; imports the framework."""
        module = importlib.import_module(f"benchmarks.overhead_parts.{self.module}")
        return cast(Build, getattr(module, self.build))


RAW, OURS, TRACED = "raw asyncio", "graphdsl", "graphdsl, traced"
MEMORY, DURABLE = "graphdsl, memory journal", "graphdsl, durable journal"
LANGGRAPH, SAVER, PYDANTIC, HAYSTACK = (
    "LangGraph",
    "LangGraph, memory saver",
    "pydantic-graph",
    "Haystack",
)

_JOURNAL: Final = "graphdsl.executors.journal"

CONTENDERS: Final = (
    Contender(RAW, "on_asyncio"),
    Contender(OURS, "on_graphdsl"),
    Contender(TRACED, "on_graphdsl", "traced"),
    Contender(LANGGRAPH, "on_langgraph", needs="langgraph", package="langgraph"),
    Contender(PYDANTIC, "on_pydantic_graph", needs="pydantic_graph", package="pydantic-graph"),
    Contender(HAYSTACK, "on_haystack", needs="haystack", package="haystack-ai"),
    Contender(MEMORY, "on_graphdsl", "in_memory", _JOURNAL, "graphdsl-tts"),
    Contender(DURABLE, "on_graphdsl", "durable", _JOURNAL, "graphdsl-tts"),
    Contender(SAVER, "on_langgraph", "saved", "langgraph", "langgraph"),
)
"""Row A (nothing is kept), then row B (everything that a node gave is kept)."""

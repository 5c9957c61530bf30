"""LangGraph as its documentation shows it: a state with a reducer, edges, `compile`, `ainvoke`."""

from __future__ import annotations

import importlib
import itertools
import operator
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypedDict

from benchmarks.overhead_parts.contender import CannotExpress, Run
from benchmarks.overhead_parts.shapes import Work
from benchmarks.overhead_parts.stub import Stub

_names = itertools.count()


class State(TypedDict):
    """What nodes write: numbers that are added up, since nodes of one step write together."""

    total: Annotated[int, operator.add]


def build(work: Work, stub: Stub) -> Run:
    """Without a checkpointer, so nothing is kept."""
    graph = _compiled(work, stub, None)
    config = {"recursion_limit": len(work.edges) + 10}

    async def run() -> object:
        return await graph.ainvoke({"total": 0}, config)

    return run


def saved(work: Work, stub: Stub) -> Run:
    """With its memory checkpointer; every run is a thread of its own, deleted afterwards."""
    saver = importlib.import_module("langgraph.checkpoint.memory").InMemorySaver()
    graph = _compiled(work, stub, saver)
    limit = len(work.edges) + 10

    async def run() -> object:
        thread = str(next(_names))
        config = {"recursion_limit": limit, "configurable": {"thread_id": thread}}
        try:
            return await graph.ainvoke({"total": 0}, config)
        finally:
            saver.delete_thread(thread)

    return run


def _compiled(work: Work, stub: Stub, saver: Any) -> Any:
    if work.early:
        raise CannotExpress("a step ends when all its nodes have ended")
    api: Any = importlib.import_module("langgraph.graph")
    graph = api.StateGraph(State)
    needed = {source for sources in work.edges for source in sources}
    for index, sources in enumerate(work.edges):
        graph.add_node(str(index), _node(stub, work.seconds[index]))
        if not sources:
            graph.add_edge(api.START, str(index))
        elif len(sources) == 1:
            graph.add_edge(str(sources[0]), str(index))
        else:
            graph.add_edge([str(source) for source in sources], str(index))
        if index not in needed:
            graph.add_edge(str(index), api.END)
    return graph.compile(checkpointer=saver)


def _node(stub: Stub, seconds: float) -> Callable[[State], Awaitable[dict[str, int]]]:
    async def node(state: State) -> dict[str, int]:
        return {"total": await stub.node(seconds)}

    return node

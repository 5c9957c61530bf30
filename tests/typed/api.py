"""What type checkers know about the Python interface. Checked by pyright, never run."""

from __future__ import annotations

from typing import Any, assert_type

import graphdsl


def load() -> None:
    """From a program to a result."""
    module = graphdsl.load("reason.tts")
    assert_type(module, graphdsl.Module)
    assert_type(module.flows, tuple[str, ...])
    assert_type(module.flow(), graphdsl.Flow)
    assert_type(module.flow("reason").with_({"reason.drafts.samples": 3}), graphdsl.Flow)
    assert_type(module.flow().run_sync(question="?"), graphdsl.Result)


async def use(flow: graphdsl.Flow) -> None:
    """The same from inside an event loop."""
    result = await flow.run(question="?", budget=graphdsl.Budget(calls=16), seed=3)
    assert_type(result, graphdsl.Result)
    assert_type(result.value, Any)
    assert_type(result.confidence, float | None)
    assert_type(result.usage, graphdsl.Usage)

"""graphdsl: a language, compiler and runtime for test-time-scaling graphs.

::

    import graphdsl

    flow = graphdsl.load("reason.tts").flow("reason")
    result = flow.run_sync(question="What is 2 + 2?", budget=graphdsl.Budget(calls=16))
    result = await flow.run(question="What is 2 + 2?")
    print(result.value, result.confidence, result.usage)

Names are imported when they are first used, so that `import graphdsl` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.api.module import Module, load
    from graphdsl.api.runtime import shutdown
    from graphdsl.diagnostics import Diagnostic
    from graphdsl.errors import (
        BackendError,
        BackendMissing,
        BudgetExceeded,
        CompileError,
        ContextOverflow,
        GraphDslError,
        InputError,
        ModelCorrupt,
        ModelNotFound,
        OperatorError,
        PlanError,
        PromptError,
        RateLimited,
    )
    from graphdsl.executors.result import Result
    from graphdsl.plan import Budget
    from graphdsl.values import Answer, Draft, Usage, Verdict

_HOMES = {
    "graphdsl.api.flow": ("Flow",),
    "graphdsl.api.module": ("Module", "load"),
    "graphdsl.api.runtime": ("shutdown",),
    "graphdsl.diagnostics": ("Diagnostic",),
    "graphdsl.errors": (
        "BackendError",
        "BackendMissing",
        "BudgetExceeded",
        "CompileError",
        "ContextOverflow",
        "GraphDslError",
        "InputError",
        "ModelCorrupt",
        "ModelNotFound",
        "OperatorError",
        "PlanError",
        "PromptError",
        "RateLimited",
    ),
    "graphdsl.executors.result": ("Result",),
    "graphdsl.plan": ("Budget",),
    "graphdsl.values": ("Answer", "Draft", "Usage", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Answer",
    "BackendError",
    "BackendMissing",
    "Budget",
    "BudgetExceeded",
    "CompileError",
    "ContextOverflow",
    "Diagnostic",
    "Draft",
    "Flow",
    "GraphDslError",
    "InputError",
    "ModelCorrupt",
    "ModelNotFound",
    "Module",
    "OperatorError",
    "PlanError",
    "PromptError",
    "RateLimited",
    "Result",
    "Usage",
    "Verdict",
    "load",
    "shutdown",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'graphdsl' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

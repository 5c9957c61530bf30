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
    from graphdsl.api.evaluation.evaluate import evaluate
    from graphdsl.api.evaluation.report import Evaluation
    from graphdsl.api.flow import Flow
    from graphdsl.api.module import Module, load
    from graphdsl.api.runtime import shutdown
    from graphdsl.diagnostics import Diagnostic
    from graphdsl.errors import (
        AccessDenied,
        BackendError,
        BackendMissing,
        BrokenReply,
        BudgetExceeded,
        CallTimeout,
        CircuitOpen,
        CompileError,
        ContentFiltered,
        ContextOverflow,
        ExtraMissing,
        GraphDslError,
        InputError,
        JournalFailed,
        ModelCorrupt,
        ModelNotFound,
        NotRecorded,
        OperatorError,
        Overloaded,
        PlanError,
        PromptError,
        RateLimited,
        SandboxError,
        Unreachable,
        Unsupported,
    )
    from graphdsl.executors.cache.store import Cache
    from graphdsl.executors.journal.store import Journal, MemoryJournal
    from graphdsl.executors.recording import Recorder
    from graphdsl.executors.result import Result
    from graphdsl.executors.run_options import RunOptions
    from graphdsl.executors.session import Session
    from graphdsl.executors.traces.telemetry import telemetry
    from graphdsl.plan import Budget
    from graphdsl.values import Answer, Draft, Usage, Verdict

_HOMES = {
    "graphdsl.api.evaluation.evaluate": ("evaluate",),
    "graphdsl.api.evaluation.report": ("Evaluation",),
    "graphdsl.api.flow": ("Flow",),
    "graphdsl.api.module": ("Module", "load"),
    "graphdsl.api.runtime": ("shutdown",),
    "graphdsl.diagnostics": ("Diagnostic",),
    "graphdsl.errors": (
        "AccessDenied",
        "BackendError",
        "BackendMissing",
        "BrokenReply",
        "BudgetExceeded",
        "CallTimeout",
        "CircuitOpen",
        "CompileError",
        "ContentFiltered",
        "ContextOverflow",
        "ExtraMissing",
        "GraphDslError",
        "InputError",
        "JournalFailed",
        "ModelCorrupt",
        "ModelNotFound",
        "NotRecorded",
        "OperatorError",
        "Overloaded",
        "PlanError",
        "PromptError",
        "RateLimited",
        "SandboxError",
        "Unreachable",
        "Unsupported",
    ),
    "graphdsl.executors.cache.store": ("Cache",),
    "graphdsl.executors.journal.store": ("Journal", "MemoryJournal"),
    "graphdsl.executors.recording": ("Recorder",),
    "graphdsl.executors.result": ("Result",),
    "graphdsl.executors.run_options": ("RunOptions",),
    "graphdsl.executors.session": ("Session",),
    "graphdsl.executors.traces.telemetry": ("telemetry",),
    "graphdsl.plan": ("Budget",),
    "graphdsl.values": ("Answer", "Draft", "Usage", "Verdict"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccessDenied",
    "Answer",
    "BackendError",
    "BackendMissing",
    "BrokenReply",
    "Budget",
    "BudgetExceeded",
    "Cache",
    "CallTimeout",
    "CircuitOpen",
    "CompileError",
    "ContentFiltered",
    "ContextOverflow",
    "Diagnostic",
    "Draft",
    "Evaluation",
    "ExtraMissing",
    "Flow",
    "GraphDslError",
    "InputError",
    "Journal",
    "JournalFailed",
    "MemoryJournal",
    "ModelCorrupt",
    "ModelNotFound",
    "Module",
    "NotRecorded",
    "OperatorError",
    "Overloaded",
    "PlanError",
    "PromptError",
    "RateLimited",
    "Recorder",
    "Result",
    "RunOptions",
    "SandboxError",
    "Session",
    "Unreachable",
    "Unsupported",
    "Usage",
    "Verdict",
    "evaluate",
    "load",
    "shutdown",
    "telemetry",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'graphdsl' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

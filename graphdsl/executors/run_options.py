"""What a run is given beside its program and inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdsl.executors.frame import STANDARD, Operators
from graphdsl.plan import Budget

if TYPE_CHECKING:
    from graphdsl.executors.cache.store import Cache
    from graphdsl.executors.journal.run_journal import RunJournal
    from graphdsl.executors.memory import Stores
    from graphdsl.executors.recording import Recorder
    from graphdsl.executors.session import Session
    from graphdsl.executors.trace import Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a program is run once.

    `content` keeps prompts and replies in the trace; `trace` False saves making one. `observe` gets
    the trace when the run ends, however it ends. `item` names the data item that the run is about,
    and `split` the part of the data it belongs to. `recorder` is told every completion. `cache`
    answers what was asked before. `journal` makes the run resumable. `session` is a budget that
    other runs share. `sandbox` is the kind that runs code which models wrote; None is the strongest
    that works here. `stores` are the memories of the loaded program; without them one that has no
    file is empty. `run_id` is made up where none is given. `scripted`: a sample's seed is its index
    within its node, for models whose replies go by it.
    """

    seed: int = 0
    budget: Budget = Budget()  # noqa: RUF009 (immutable)
    trace: bool = True
    content: bool = False
    observe: Callable[[Trace], None] | None = None
    item: str | None = None
    split: str | None = None
    recorder: Recorder | None = None
    cache: Cache | None = None
    journal: RunJournal | None = None
    session: Session | None = None
    sandbox: str | None = None
    stores: Stores | None = None
    operators: Operators = STANDARD
    run_id: str | None = None
    scripted: bool = False

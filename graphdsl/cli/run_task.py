"""What one `graphdsl run` has to do, once everything that can be wrong before has been checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graphdsl.errors import InputError

if TYPE_CHECKING:
    from graphdsl.api.flow import Flow
    from graphdsl.cli.dataset import Row
    from graphdsl.cli.run_arguments import Arguments
    from graphdsl.executors.cache.store import Cache
    from graphdsl.executors.journal.store import Journal
    from graphdsl.executors.recording import Recorder
    from graphdsl.executors.run_options import RunOptions


@dataclass(frozen=True, slots=True)
class Task:
    """A flow with the arguments of the command; `rows` are those of the data, None without."""

    flow: Flow
    arguments: Arguments
    run_id: str
    rows: list[Row] | None = None
    journal: Journal | None = None
    trace: bool = False
    as_json: bool = False

    @property
    def stdin_data(self) -> str | None:
        """The data that came from stdin as lines of the same numbers; None for other data."""
        if self.rows is None or str(self.arguments.data) != "-":
            return None
        lines = [""] * self.rows[-1].line
        for row in self.rows:
            lines[row.line - 1] = json.dumps(row.data, ensure_ascii=False)
        return "".join(f"{line}\n" for line in lines)

    def options(self, recorder: Recorder | None) -> RunOptions:
        """What all runs of the command are given."""
        from graphdsl.executors.run_options import RunOptions
        from graphdsl.executors.session import Session

        told = self.arguments
        session = None if told.session_budget is None else Session(told.session_budget)
        if session is not None and self.journal is not None:
            session.resume(self.journal.spent)
        return RunOptions(
            seed=told.seed,
            budget=told.budget,
            content=told.content,
            split=told.split,
            recorder=recorder,
            cache=user_cache() if told.cache else None,
            session=session,
            sandbox=told.sandbox,
        )

    def check(self) -> None:
        """Raise `InputError` when this is not what the journal began with."""
        if self.journal is None:
            return
        program, told = self.flow.plan().graph_hash, self.arguments
        if self.rows is None:
            self.journal.past("0").check(program, told.inputs, told.seed, told.split)
            return
        names = {str(row.line) for row in self.rows}
        if gone := sorted(set(self.journal.names) - names, key=int):
            raise InputError(f"line {gone[0]} of the data is gone, of which the journal has a run")
        for row in self.rows:
            try:
                past = self.journal.past(str(row.line))
                past.check(program, row.inputs, told.seed, told.split)
            except InputError as error:
                raise InputError(f"line {row.line} of the data: {error}") from error


def user_cache() -> Cache | None:
    """The user's own cache. Raises `InputError` that says how to run without one."""
    from graphdsl.api.caches import opened_cache

    try:
        return opened_cache(True)
    except InputError as error:
        raise InputError(f"{error}; --no-cache runs without one") from error

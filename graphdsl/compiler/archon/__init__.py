"""Programs from Archon's JSON configurations (arXiv 2409.15254; ScalingIntelligence/Archon)."""

from __future__ import annotations

from graphdsl.compiler.archon.config import Problem, read_config
from graphdsl.compiler.archon.program import write_program
from graphdsl.compiler.archon.rules import placement

__all__ = ["Problem", "archon_program"]


def archon_program(text: str) -> tuple[str | None, tuple[Problem, ...]]:
    """The program that does what a configuration says, and what is wrong with that one.

    There is no program where a problem is an error: a key that Archon would ignore, or a placement
    rule of the paper that the configuration breaks.
    """
    config, problems = read_config(text)
    if config is None:
        return None, problems
    found = (*problems, *placement(config))
    if any(one.error for one in found):
        return None, found
    program, notes = write_program(config)
    return program, (*found, *notes)

"""Which models a sample asks, and in which order, where a declared model stands for several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graphdsl.errors import BackendError, NotRecorded
from graphdsl.plan import ModelSpec


@dataclass(frozen=True, slots=True)
class Stop:
    """A model on the way. The next one is asked after an error of the kind `passes`.

    `recorded_as` is what its replies are to be recorded as: the bank's model that it fills in for.
    """

    spec: ModelSpec
    passes: type[BackendError] = BackendError
    recorded_as: ModelSpec | None = None


def route(model: ModelSpec, seed: int) -> Iterator[Stop]:
    """The models to ask, in order; the last stop is the last resort.

    Those of a `round_robin` begin with the one whose turn it is by the sample's seed: seeds of the
    samples of a node are consecutive, so these take turns, whatever the schedule. What a `replay`
    model has no recording of goes to the model that it names for that, and nothing else does.
    """
    members = model.members
    if members:
        turns = model.backend == "round_robin"
        first = seed % len(members) if turns else 0
        rest = seed // len(members) if turns else seed
        for member in (*members[first:], *members[:first]):
            yield from (replace(stop, passes=BackendError) for stop in route(member, rest))
        return
    others = model.others
    yield Stop(model, NotRecorded if others else BackendError)
    for other in others:
        for stop in route(other, seed):
            yield replace(stop, recorded_as=replace(model, options={}))

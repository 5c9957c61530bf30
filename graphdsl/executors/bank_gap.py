"""Why a bank has no reply for a request, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from graphdsl.executors.bank_record import Recorded
from graphdsl.executors.bank_search import Wanted, differences, fitting

_SHOWN: Final = 6
"""Values of a parameter that a message lists."""


def gap(found: Sequence[Recorded], wanted: Wanted, path: Path, *, by_item: bool) -> str:
    """What is missing, what there is instead, and how it can be had.

    `by_item`: the bank has replies of that model which go by items.
    """
    return (
        f"`{path.name}` has no recording of {_wanted(wanted)}; "
        f"{_there_is(found, wanted, by_item)}; record it with "
        f"`graphdsl run … --record {path.name}`, or name a live model for what is missing: "
        "`otherwise = [live]`"
    )


def _wanted(wanted: Wanted) -> str:
    asked = wanted.parameters
    about = f"prompt `{wanted.prompt[:8]}…`"
    if wanted.item is not None:
        about = f"item `{wanted.item}` ({about})"
    parts = [f"sample {wanted.sample}", f"temperature {asked['temperature']:g}"]
    if wanted.seed is not None:
        parts.append(f"seed {wanted.seed}")
    parts += [f"{name} {_value(asked[name])}" for name in ("max_tokens", "top_p") if asked[name]]
    if asked["stop"]:
        parts.append(f"stop {_value(asked['stop'])}")
    if asked["schema"]:
        parts.append("a schema")
    return f"{about} by `{wanted.model}`: {', '.join(parts)}"


def _there_is(found: Sequence[Recorded], wanted: Wanted, by_item: bool) -> str:
    fits = fitting(found, wanted)
    if fits:
        return f"of these there are {_samples(fits)}"
    if found:
        names = dict.fromkeys(name for record in found for name in differences(record, wanted))
        return f"it has {_samples(found)}, with {_values(found, names)}"
    if wanted.item is not None:
        which = "prompt or item" if by_item else "prompt"
        return f"it has nothing by that model for this {which}"
    hint = " (its replies go by items, and only a run of `--data` says which item this is)"
    return f"it has nothing by that model for this prompt{hint if by_item else ''}"


def _samples(records: Sequence[Recorded]) -> str:
    """How many there are, and which numbers they have."""
    numbers = sorted({record.sample for record in records})
    span = f"{numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"
    if len(numbers) > 1 and len(numbers) != numbers[-1] - numbers[0] + 1:
        span = ", ".join(map(str, numbers[:_SHOWN])) + (", …" if len(numbers) > _SHOWN else "")
    total = len(records)
    return f"{total} sample{'' if total == 1 else 's'} (number {span})"


def _values(records: Sequence[Recorded], names: Iterable[str]) -> str:
    """The values that the records have of the parameters that do not fit."""
    said: list[str] = []
    for name in names:
        values = dict.fromkeys(_value(record.parameters.get(name)) for record in records)
        listed = " or ".join(list(values)[:_SHOWN])
        said.append(f"{name} {listed}{' …' if len(values) > _SHOWN else ''}")
    return " and ".join(said)


def _value(value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return " ".join(f"`{each!s}`" for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)

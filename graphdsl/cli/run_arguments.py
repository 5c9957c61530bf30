"""What `graphdsl run` is told, as its journal keeps it for `--resume`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, cast

from graphdsl.errors import InputError
from graphdsl.hidden import SECRET_PARAMETER, hidden
from graphdsl.plan import Budget

Pins = Mapping[str, "str | float"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """Everything that decides what a run does, with paths as they were given, in `folder`.

    `program` is the text of a program that came from stdin, which lies beside the journal. `inputs`
    are those of `--input`, with their types; `pins` those of every hole that is set.
    """

    folder: Path
    file: Path
    flow: str | None = None
    program: str | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    pins: Pins = field(default_factory=dict[str, "str | float"])
    models: Mapping[str, str] = field(default_factory=dict[str, str])
    data: Path | None = None
    out: Path | None = None
    concurrency: int = 16
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    session_budget: Budget | None = None
    record: Path | None = None
    content: bool = False
    cache: bool = True
    split: str | None = None
    sandbox: str | None = None

    def to_header(self) -> dict[str, Any]:
        """JSON data without the program; what may be a key is masked, and named in `hidden`."""
        plain = {name: _plain(value) for name, value in asdict(self).items() if name != "program"}
        masked: list[str] = []
        shown = {
            name: _masked(name, value, masked) if name in _MASKED else value
            for name, value in plain.items()
        }
        return {**shown, "hidden": masked}

    @staticmethod
    def from_header(
        header: Mapping[str, Any], inputs: Mapping[str, str], models: Mapping[str, str]
    ) -> tuple[Arguments, dict[str, str]]:
        """The arguments of `to_header`, with those given again in the place of hidden ones.

        Also gives the texts of inputs that still need their types. Raises `InputError` for what is
        hidden and not given again, for what is given though it is known, and for a header that is
        none of this program's.
        """
        given = {f"inputs.{name}" for name in inputs} | {f"models.{name}" for name in models}
        missing = set(cast("list[str]", header.get("hidden", ())))
        if lacking := sorted(missing - given):
            raise InputError(
                f"{_options(lacking)} held what may be a key, so the journal does not have it: "
                "give it again beside --resume"
            )
        if more := sorted(given - missing):
            raise InputError(f"{_options(more)} is known to the journal and cannot be changed")
        arguments = _read({name: value for name, value in header.items() if name != "hidden"})
        return replace(arguments, models={**arguments.models, **models}), dict(inputs)


_MASK: Final = "***"

_MASKED: Final = frozenset({"inputs", "models"})
"""What may hold a key; a path is kept as it is, since nobody could give it again."""

_READERS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "folder": Path,
    "file": Path,
    "data": Path,
    "out": Path,
    "record": Path,
    "budget": lambda limits: Budget(**limits),
    "session_budget": lambda limits: Budget(**limits),
}


def _read(known: Mapping[str, Any]) -> Arguments:
    names = {one.name for one in fields(Arguments)}
    if unknown := sorted(known.keys() - names):
        raise InputError(
            f"the journal has an argument `{unknown[0]}`, which this graphdsl does not know; "
            "resume it with the one that wrote it"
        )
    values: dict[str, Any] = dict(known)
    try:
        for name, reader in _READERS.items():
            values[name] = None if values.get(name) is None else reader(values[name])
        return Arguments(**values)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the arguments in the journal are not those of this graphdsl: {error}; resume it with "
            "the one that wrote it"
        ) from error


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def _masked(place: str, value: Any, masked: list[str]) -> Any:
    """The value without what may be a key; the place of each, two names at most, is noted.

    What has the name of a key is one, whatever it looks like.
    """
    if isinstance(value, str):
        shown = hidden(value)
        if shown != value:
            masked.append(place)
        return shown
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: _member(_below(place, name), name, item, masked) for name, item in items}
    if isinstance(value, list | tuple):
        return [_masked(place, item, masked) for item in cast("list[Any]", value)]
    return value


def _member(place: str, name: str, value: Any, masked: list[str]) -> Any:
    if place.startswith("inputs.") and SECRET_PARAMETER.fullmatch(name) and value is not None:
        masked.append(place)
        return _MASK
    return _masked(place, value, masked)


def _below(place: str, name: str) -> str:
    return place if "." in place else f"{place}.{name}"


def _options(places: list[str]) -> str:
    return ", ".join(
        f"`--{kind.rstrip('s')} {name}=…`" if name else f"`--{kind}`"
        for kind, _, name in (place.partition(".") for place in places)
    )

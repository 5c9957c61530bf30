"""A finished study in an Optuna storage, for its dashboard and its plots.

Objectives are the shrunken quality (to be large) and the costs that were minimised (to be small).
Both are numbers of the search: the certificate stands in the attributes of the study.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from graphdsl.errors import InputError
from graphdsl.search.result import StudyResult, Trial
from graphdsl.search.space import Parameter, Space
from graphdsl.search.tried_space import tried_parameter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

_LINE: Final = 4096
"""Bytes of the first line of a file that is looked at."""


def export_study(result: StudyResult, storage: str, space: Space | None = None) -> str:
    """Write the study into a storage, under a name that the result is.

    `storage` is the address of a database (`sqlite:///study.db`) or the path of a journal file.
    Without a `space`, domains are what was tried. Trials without a quality, or without a cost that
    was minimised, have no values: they are marked as failed, with the reason in an attribute.

    Raises `InputError` when the storage cannot be opened, or has a study of that name already.
    """
    import optuna
    from optuna.study import StudyDirection

    name = f"{result.flow}.{result.name}"
    directions = [StudyDirection.MAXIMIZE, *(StudyDirection.MINIMIZE for _ in result.minimise)]
    with _quiet(), _explained(storage), _opened(storage) as opened:
        study = optuna.create_study(storage=opened, study_name=name, directions=directions)
        study.set_metric_names(["quality", *result.minimise])
        for key, value in _study_facts(result).items():
            study.set_user_attr(key, value)
        study.add_trials(frozen_trials(result, space))
    return name


def frozen_trials(result: StudyResult, space: Space | None = None) -> list[FrozenTrial]:
    """The trials as Optuna keeps them, in the order of their numbers."""
    domains = _domains(result.trials, space)
    ranked = sorted(result.trials, key=lambda trial: trial.number)
    return [_frozen(trial, result, domains) for trial in ranked]


def _frozen(
    trial: Trial, result: StudyResult, domains: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    from optuna.trial import TrialState, create_trial

    values, missing = _values(trial, result.minimise)
    params, left_out = _params(trial, domains)
    attributes = _facts(trial, result)
    if missing:
        attributes["no values"] = missing
    if left_out:
        attributes["values outside of the space"] = left_out
    refused = trial.standing == "refused"
    return create_trial(
        state=TrialState.FAIL if missing else TrialState.COMPLETE,
        values=None if missing else values,
        params=params,
        distributions={address: domains[address] for address in params},
        user_attrs=attributes,
        # The form that all versions read: at most 0 is feasible.
        system_attrs={"constraints": [1.0 if refused else -1.0]},
    )


def _values(trial: Trial, minimise: Sequence[str]) -> tuple[list[float], str]:
    """The objectives, or which of them nobody knows."""
    values = [trial.shrunken, *(trial.costs.get(name, math.nan) for name in minimise)]
    names = ["quality", *minimise]
    unknown = [name for name, value in zip(names, values, strict=True) if not math.isfinite(value)]
    return values, f"unknown: {', '.join(unknown)}" if unknown else ""


def _facts(trial: Trial, result: StudyResult) -> dict[str, Any]:
    """What stands with a trial: its number and label are ours, and the search mean is biased."""
    facts: dict[str, Any] = {
        "number": trial.number,
        "identity": trial.identity,
        "standing": trial.standing,
        "items": trial.items,
        "on the front": trial.identity in result.front,
        "budget used before": trial.moment,
        **{f"cost: {name}": value for name, value in trial.costs.items()},
    }
    if math.isfinite(trial.quality):
        facts["search mean (biased)"] = trial.quality
    return {**facts, "baseline": trial.baseline} if trial.baseline else facts


def _study_facts(result: StudyResult) -> dict[str, Any]:
    return {
        "strategy": result.strategy,
        "seed": result.seed,
        "ending": result.ending,
        # Without its lists of items and graphs, which are too long for columns of some databases.
        "certificate": result.certificate
        and {key: value for key, value in result.certificate.items() if key != "frozen"},
        "budget": dict(result.budget),
        "spent": dict(result.spent),
        "saved": dict(result.saved),
        "items": dict(result.items),
        **{f"fact: {key}": value for key, value in result.facts.items()},
    }


# ---- parameters


def _domains(trials: Sequence[Trial], space: Space | None) -> dict[str, BaseDistribution]:
    """One distribution per parameter, the same in all trials, as Optuna demands of labels."""
    tried: dict[str, list[str | float]] = {}
    for trial in trials:
        for address, value in trial.assignment.items():
            tried.setdefault(address, []).append(value)
    guessed = (tried_parameter(address, values) for address, values in tried.items())
    known = {one.address: one for one in (space.parameters if space else guessed)}
    return {address: _distribution(one) for address, one in known.items()}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if parameter.kind == "categorical":
        return CategoricalDistribution(parameter.labels)
    step = parameter.step if parameter.low < parameter.high else None
    # The last point of a step may lie below `high`, which Optuna would correct with a warning.
    last = parameter.size and float(parameter.value(parameter.size - 1))
    high = parameter.high if last is None else last
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(high), step=int(step or 1))
    return FloatDistribution(parameter.low, high, step=step)


def _params(
    trial: Trial, domains: Mapping[str, BaseDistribution]
) -> tuple[dict[str, Any], dict[str, str | float]]:
    """Values as Optuna keeps them, and those that the space does not have."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    params: dict[str, Any] = {}
    left_out: dict[str, str | float] = {}
    for address, value in trial.assignment.items():
        domain, kept = domains.get(address), value
        if isinstance(domain, CategoricalDistribution):
            kept = _label(value)
        elif isinstance(domain, IntDistribution) and not isinstance(value, str):
            kept = int(value)
        if domain is None or not _fits(domain, kept):
            left_out[address] = value
        else:
            params[address] = kept
    return params, left_out


def _fits(domain: BaseDistribution, value: str | float) -> bool:
    from optuna.distributions import CategoricalDistribution

    if isinstance(domain, CategoricalDistribution):
        return value in domain.choices
    return not isinstance(value, str) and domain._contains(value)  # pyright: ignore


def _label(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:g}"


# ---- the storage


@contextmanager
def _opened(storage: str) -> Generator[BaseStorage]:
    """A journal file for a path, a database for an address."""
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    if "://" not in storage:
        _refuse_other_file(Path(storage))
        yield JournalStorage(JournalFileBackend(storage))
        return
    database = RDBStorage(storage)
    try:
        yield database
    finally:
        database.remove_session()
        database.engine.dispose()


def _refuse_other_file(path: Path) -> None:
    """Raise `InputError` for a file that is no journal: Optuna would write into it all the same."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        first = file.readline(_LINE)
    if first and not (first.startswith(b"{") and b'"op_code"' in first):
        raise InputError(f"`{path}` is a file, but no journal of Optuna; name another one")


@contextmanager
def _quiet() -> Generator[None]:
    """Without the remarks that Optuna prints, for as long as it is used here."""
    from optuna import logging
    from optuna.exceptions import ExperimentalWarning

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def _explained(storage: str) -> Generator[None]:
    """What can go wrong with a storage, in our words and without passwords of addresses."""
    from optuna.exceptions import DuplicatedStudyError, StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    shown = hidden_address(storage)
    try:
        yield
    except DuplicatedStudyError as error:
        said = f"`{shown}` has this study already; name another storage, or delete the study there"
        raise InputError(said) from error
    except (StorageInternalError, SQLAlchemyError, ValueError, ImportError, OSError) as error:
        raise InputError(f"`{shown}` cannot hold the study: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """The first line of what is below an error, which says more than that an operation failed."""
    below = error
    while isinstance(below.__cause__, Exception):
        below = below.__cause__
    words = below.strerror if isinstance(below, OSError) and below.strerror else str(below)
    first = words.strip().partition("\n")[0].rstrip(".")
    return first[:1].lower() + first[1:] if first else type(below).__name__


def hidden_address(storage: str) -> str:
    """An address of a database without its password.

    >>> hidden_address("postgresql://me:secret@host/db"), hidden_address("study.journal")
    ('postgresql://me:***@host/db', 'study.journal')
    """
    scheme, middle, rest = storage.partition("://")
    access, at, host = rest.rpartition("@")
    if not (middle and at and ":" in access):
        return storage
    return f"{scheme}://{access.partition(':')[0]}:***@{host}"

"""Reading the file of a finished study that somebody else may have written.

What shows a study may then rely on its types. Importing this takes a while (pydantic), so import
it where a study is read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, ValidationError

from graphdsl.compiler.specialise import defaults
from graphdsl.errors import InputError
from graphdsl.executors.checked_json import (
    TOO_DEEP,
    Checked,
    Text,
    first_problem,
    json_object,
    refuse_other_version,
)
from graphdsl.ir.nodes import Graph
from graphdsl.ir.parse_text import IrTextError, parse_graph
from graphdsl.search.report.certified import Certificate, certificate
from graphdsl.search.result import StudyResult, Trial

VERSION = 1
"""Of the file. One without a version has this one."""


@dataclass(frozen=True, slots=True)
class Ablated:
    """What one node adds: the quality of a graph less its quality with `change` made at `node`.

    `low` to `high` is an interval of the difference over `items` items, paired.
    """

    node: str
    change: str
    difference: float
    low: float
    high: float
    items: int


@dataclass(frozen=True, slots=True, eq=False)
class FinishedStudy:
    """A study as a report shows it.

    `graph` is the open graph that was searched, None where the file has none: then no graph is
    drawn, and domains are guessed from what was tried. `problems` say what was wrong with parts
    that a report can do without.
    """

    result: StudyResult
    certificate: Certificate | None = None
    graph: Graph | None = None
    ablation: tuple[Ablated, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def by_identity(self) -> dict[str, Trial]:
        """Trials by the identity of their graph."""
        return {trial.identity: trial for trial in self.result.trials}


def load_study(path: Path) -> FinishedStudy:
    """The study in a file. Raises `InputError` when there is none, or it is not a study."""
    try:
        return read_study(path.read_bytes())
    except FileNotFoundError as error:
        raise InputError(f"there is no study `{path}`") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"a study cannot be read from `{path}`: {reason}") from error
    except ValueError as error:
        raise InputError(f"`{path}` is not a finished study: {error}") from None


def read_study(data: str | bytes) -> FinishedStudy:
    """The study in a JSON text, as `StudyResult.to_dict` makes it.

    A `graph` (the open graph as the text of its intermediate representation) and an `ablation`
    may stand beside it; further fields are dropped. Raises ValueError, whose text says what is
    wrong where: "`trials[3].items` must be a whole number".
    """
    found = json_object(data)
    if "version" in found:
        refuse_other_version(found["version"], VERSION, "a study")
    try:
        checked = _Study.model_validate(found)
    except ValidationError as error:
        raise ValueError(first_problem(error)) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    return _finished(checked)


def finished(result: StudyResult, graph: Graph | None = None) -> FinishedStudy:
    """A study that has just ended, as a report shows it."""
    found = certificate(result.certificate)
    return FinishedStudy(result, found.certificate, graph, (), found.problems)


def usual(study: FinishedStudy) -> dict[str, str | float]:
    """What every hole is unless somebody decides; nothing where the graph is not known."""
    return {} if study.graph is None else defaults(study.graph)


def _finished(checked: _Study) -> FinishedStudy:
    study = finished(checked.result())
    rows = tuple(Ablated(**row.model_dump()) for row in checked.ablation)
    study = replace(study, ablation=rows)
    if not checked.graph:
        return study
    try:
        return replace(study, graph=parse_graph(checked.graph))
    except IrTextError as error:
        said = f"the graph in the file cannot be read: {error}"
        return replace(study, problems=(*study.problems, said))


# ---- what is in the file


def _no_nan(value: object) -> object:
    """NaN as null: both stand for what was never measured."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _known(value: object) -> object:
    """Without what is null or not finite: an amount that nobody knows, or that nothing limits."""
    if not isinstance(value, dict):
        return value
    pairs: dict[object, object] = {**value}
    return {
        key: amount
        for key, amount in pairs.items()
        if amount is not None and not (isinstance(amount, float) and not math.isfinite(amount))
    }


def _finite(value: object) -> object:
    """Plain data with null for each number that JSON does not have."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case list():
            return [_finite(one) for one in cast("list[object]", value)]
        case dict():
            return {key: _finite(one) for key, one in cast("dict[object, object]", value).items()}
        case _:
            return value


_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Measured = Annotated[
    Annotated[float, Field(ge=-1e9, le=1e9)] | None, BeforeValidator(_no_nan, Any)
]
_Amounts = Annotated[
    dict[Text, Annotated[float, Field(ge=0, le=1e30)]], BeforeValidator(_known, Any)
]


class _Trial(Checked):
    number: _Count
    identity: Text
    assignment: dict[Text, Text | float]
    baseline: Text = ""
    standing: Literal["front", "finalist", "dropped", "beaten", "refused"]
    items: _Count
    quality: _Measured
    shrunken: _Measured
    costs: _Amounts = Field(default_factory=dict[str, float])
    moment: Annotated[float, Field(ge=0, le=1)] = 0.0

    def trial(self) -> Trial:
        return Trial(
            self.number,
            self.identity,
            self.assignment,
            self.baseline,
            self.standing,
            self.items,
            math.nan if self.quality is None else self.quality,
            math.nan if self.shrunken is None else self.shrunken,
            self.costs,
            self.moment,
        )


class _Ablated(Checked):
    node: Text
    change: Text = ""
    difference: Annotated[float, Field(ge=-1, le=1)]
    low: Annotated[float, Field(ge=-1, le=1)]
    high: Annotated[float, Field(ge=-1, le=1)]
    items: _Count = 0


class _Study(Checked):
    name: Text
    flow: Text
    strategy: Text
    seed: int
    minimise: list[Text]
    ending: Text
    trials: list[_Trial]
    front: list[Text]
    certificate: Annotated[dict[str, Any] | None, BeforeValidator(_finite, Any)]
    budget: _Amounts
    spent: _Amounts
    saved: _Amounts
    points: Annotated[int, Field(ge=0)] | None
    items: dict[Text, _Count]
    facts: dict[Text, Text]
    distribution: dict[Text, dict[Text, Annotated[float, Field(ge=0, le=1)]]] = Field(
        default_factory=dict[str, dict[str, float]]
    )
    remarks: list[Text] = Field(default_factory=list[str])
    graph: Text = ""
    ablation: list[_Ablated] = Field(default_factory=list[_Ablated])

    def result(self) -> StudyResult:
        """The study; `graph` and `ablation` stand beside it."""
        return StudyResult(
            name=self.name,
            flow=self.flow,
            strategy=self.strategy,
            seed=self.seed,
            minimise=tuple(self.minimise),
            ending=self.ending,
            trials=tuple(trial.trial() for trial in self.trials),
            front=tuple(self.front),
            certificate=self.certificate,
            budget=self.budget,
            spent=self.spent,
            saved=self.saved,
            points=self.points,
            items=self.items,
            facts=self.facts,
            distribution=self.distribution,
            remarks=tuple(self.remarks),
        )

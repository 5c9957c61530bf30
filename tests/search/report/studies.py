"""Finished studies for tests: a small graph, and results as a search of it would leave them."""

from __future__ import annotations

import json
import math
from functools import cache
from random import Random
from typing import Any, Final

from graphdsl.ir.nodes import Assignment, Graph
from graphdsl.ir.text import print_graph
from graphdsl.search.bench import Cell, Observation
from graphdsl.search.certificate import judge
from graphdsl.search.freeze import Finalist, Freeze
from graphdsl.search.report.study_file import FinishedStudy, read_study
from graphdsl.search.result import Standing, StudyResult, Trial
from graphdsl.search.space import Space
from tests.compiler.lowering import graph_of

PROGRAM: Final = """
model little { backend = simulated  accuracy = 0.5 }
model middle { backend = simulated  accuracy = 0.6 }
model big { backend = simulated  accuracy = 0.8 }

pool every = [little, middle, big]

prompt ask(question: Text) "{{ question }} ="

flow reason(question: Text) -> Answer {
  tune drafter = little in every
  tune judge = middle in every
  drafts = generate(
    ask(question: question),
    models: drafter,
    samples: 4 in 1..16,
    temperature: 0.7 in 0.1..1.3,
  )
  optional notes = critique(drafts, by: judge)
  optional ranked = rank(drafts, using: notes, keep: 3 in 1..5, by: judge) else drafts
  merged = choice voted { fused: fuse(ranked, by: judge), voted: vote(ranked, by: number) }
  return merged
}
"""

_SKILL: Final = {"little": 0.36, "middle": 0.48, "big": 0.6}
_PRICE: Final = {"little": 0.00002, "middle": 0.0001, "big": 0.0006}


@cache
def open_graph() -> Graph:
    """The graph that is searched."""
    return graph_of(PROGRAM, "reason")


def truth(chosen: Assignment) -> float:
    """What an assignment is worth: more samples of a better model, and no fuser."""
    samples = float(chosen.get("reason.drafts.samples", 4))
    skill = _SKILL[str(chosen.get("reason.drafter", "little"))]
    worth = skill + 0.035 * math.log2(samples)
    worth += {"fused": -0.06, "voted": 0.04}[str(chosen.get("reason.merged", "voted"))]
    return min(0.95, worth + (0.03 if chosen.get("reason.ranked") == "on" else 0.0))


def costs(chosen: Assignment) -> dict[str, float]:
    """What one run of it takes."""
    samples = float(chosen.get("reason.drafts.samples", 4))
    calls = samples + sum(value == "on" for value in chosen.values())
    price = _PRICE[str(chosen.get("reason.drafter", "little"))]
    return {"calls": calls, "tokens": 110.0 * calls, "usd": price * calls, "seconds": 0.4 * calls}


@cache
def result(trials: int = 40, seed: int = 7, *, certified: bool = True) -> StudyResult:
    """A study of so many candidates, with two baselines among them."""
    rng, space = Random(seed), Space.of(open_graph())
    names = {0: "single big", 1: "majority of 9, little"}
    first: list[Assignment] = [
        {"reason.drafter": "big", "reason.drafts.samples": 1.0, "reason.merged": "voted"},
        {"reason.drafter": "little", "reason.drafts.samples": 9.0, "reason.merged": "voted"},
    ]
    found: list[Trial] = []
    for number in range(trials):
        chosen = first[number] if number < 2 else space.sample(rng)
        worth = truth(chosen)
        items = rng.choice([8, 16, 32]) if worth < 0.6 else rng.choice([32, 64, 128])
        seen = sum(rng.random() < worth for _ in range(items)) / items
        shrunken = (seen * items + 0.5 * 20) / (items + 20)
        standing: Standing = "dropped" if items < 32 else "beaten"
        moment = (number + 1) / trials * 0.97
        found.append(
            Trial(
                number,
                f"{number:04x}graph",
                chosen,
                names.get(number, ""),
                standing,
                items,
                seen,
                shrunken,
                costs(chosen),
                moment,
            )
        )
    return _judged(found, certified, rng)


def _judged(trials: list[Trial], certified: bool, rng: Random) -> StudyResult:
    front: list[Trial] = []
    for trial in sorted(trials, key=lambda one: (one.costs["usd"], -one.shrunken)):
        if trial.standing != "dropped" and all(trial.shrunken > one.shrunken for one in front):
            front.append(trial)
    finalists = {one.identity for one in [*front[-4:], *trials[:2]]} if certified else set[str]()
    names = {one.identity for one in front}
    judged = tuple(
        _with_standing(one, "finalist" if one.identity in finalists else "front")
        if one.identity in names or one.identity in finalists
        else one
        for one in trials
    )
    spent = {
        "search.calls": 16410.0,
        "agents.calls": 36.0,
        "certificate.calls": 2954.0,
        "calls": 19400.0,
        "search.usd": 3.1,
        "certificate.usd": 0.9,
        "usd": 4.0,
    }
    return StudyResult(
        name="default",
        flow="reason",
        strategy="tpe",
        seed=7,
        minimise=("usd", "calls"),
        ending="budget",
        trials=judged,
        front=tuple(one.identity for one in front),
        certificate=certificate([one for one in judged if one.identity in finalists], rng)
        if certified
        else None,
        budget={"calls": 20000.0, "usd": 5.0},
        spent=spent,
        saved={"calls": 41200.0, "usd": 9.3},
        points=Space.of(open_graph()).size(),
        items={"search": 128, "validation": 60, "certificate": 200},
        facts={
            "command": "graphdsl optimize reason.tts --budget calls=20000 --budget usd=5",
            "graphdsl": "0.1.0",
            "python": "3.11.9",
            "prices": "2026-11-20",
            "models": "little, middle, big: simulated",
            "data": "blake2b:7c21aa90",
            "space": "9f02",
        },
        distribution={
            "reason.drafter": {"little": 0.06, "middle": 0.13, "big": 0.81},
            "reason.merged": {"fused": 0.22, "voted": 0.78},
        },
        remarks=("2 of 19400 calls failed and count as wrong",),
    )


def _with_standing(trial: Trial, standing: Standing) -> Trial:
    return Trial(
        trial.number,
        trial.identity,
        trial.assignment,
        trial.baseline,
        standing,
        trial.items,
        trial.quality,
        trial.shrunken,
        trial.costs,
        trial.moment,
    )


def certificate(trials: list[Trial], rng: Random, items: int = 200) -> dict[str, Any]:
    """What the finalists and the baselines are on items that the search has not seen."""
    names = tuple(f"item{number}" for number in range(items))
    everyone = [Finalist(one.identity, one.assignment, one.baseline) for one in trials]
    ranked = sorted(
        (one for one in everyone if not one.baseline), key=lambda one: -truth(one.assignment)
    )
    baselines = tuple(one for one in everyone if one.baseline)
    freeze = Freeze(tuple(ranked) or baselines[:1], baselines, names)
    observed = {
        one.identity: {
            Cell(name): Observation(float(rng.random() < truth(one.assignment)), _noisy(one, rng))
            for name in names
        }
        for one in everyone
    }
    found = judge(freeze, observed)
    assert found is not None
    return found.to_dict()


def _noisy(one: Finalist, rng: Random) -> dict[str, float]:
    return {name: cost * rng.uniform(0.8, 1.2) for name, cost in costs(one.assignment).items()}


ABLATION: Final = [
    {
        "node": "reason.ranked",
        "change": "left out",
        "difference": 0.031,
        "low": 0.008,
        "high": 0.054,
        "items": 200,
    },
    {
        "node": "reason.notes",
        "change": "left out",
        "difference": 0.002,
        "low": -0.015,
        "high": 0.019,
        "items": 200,
    },
    {
        "node": "reason.merged",
        "change": "fused",
        "difference": -0.06,
        "low": -0.1,
        "high": -0.02,
        "items": 200,
    },
]


def as_file(study: StudyResult, **beside: Any) -> str:
    """The text of a file with the study, its graph and an ablation."""
    graph = print_graph(open_graph())
    data = {**study.to_dict(), "graph": graph, "ablation": ABLATION, **beside}
    return json.dumps({key: value for key, value in data.items() if value is not ...})


@cache
def study(trials: int = 40, seed: int = 7, *, certified: bool = True) -> FinishedStudy:
    """A finished study with all that a file can hold."""
    return read_study(as_file(result(trials, seed, certified=certified)))

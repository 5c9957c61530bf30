"""`nsga2`: the genetic algorithm for several objectives, by Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.options import whole
from graphdsl.search.strategies.optuna_engine import Engine
from graphdsl.search.strategies.optuna_search import OptunaSearch
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler, NSGAIISampler

_POPULATION: Final = 10


def nsga2(setting: Setting) -> OptunaSearch:
    """Make the strategy; its options are `seed` and `population` (10, at least 2).

    Deb et al. 2002, with uniform crossover; what breaks a limit is dominated by all that does not.
    A generation is bred from the best of all before it, by their newest estimates. A point has
    genes for inactive parameters too, which wait until they are active again.
    """
    archive = Archive(setting)
    population = max(2, whole(setting, "population", _POPULATION))

    def sampler(seed: int, constraints: dict[str, Any]) -> NSGAIISampler:
        from optuna.samplers import NSGAIISampler

        return NSGAIISampler(seed=seed, population_size=population, **constraints)

    engine = Engine(archive, sampler, whole=True, stamp=_generation)
    return OptunaSearch(archive, Unseen(archive), engine)


def _generation(study: Study, sampler: BaseSampler) -> dict[str, Any]:
    """Somebody else's point belongs to the generation that is bred when it comes."""
    from optuna.samplers import NSGAIISampler
    from optuna.trial import TrialState

    assert isinstance(sampler, NSGAIISampler)
    trial = study.ask()
    frozen = study.get_trials(deepcopy=False)[trial.number]
    sampler.get_trial_generation(study, frozen)
    stamp = dict(study.get_trials(deepcopy=False)[trial.number].system_attrs)
    study.tell(trial, state=TrialState.FAIL)
    return stamp

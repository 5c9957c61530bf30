"""`tpe`: the tree-structured Parzen estimator of Optuna."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphdsl.search.strategies.archive import Archive
from graphdsl.search.strategies.optuna_engine import Engine
from graphdsl.search.strategies.optuna_search import OptunaSearch
from graphdsl.search.strategies.unseen import Unseen
from graphdsl.search.strategy import Setting

if TYPE_CHECKING:
    from optuna.samplers import TPESampler


def tpe(setting: Setting) -> OptunaSearch:
    """Make the strategy; its option is `seed` alone.

    Parameters are modelled together (`multivariate`), those of an alternative by themselves
    (`group`), several objectives by their hypervolume; points that are running repel the next. The
    first ten trials are random (Bergstra et al. 2011; Falkner et al. 2018; Ozaki et al. 2020).
    """
    archive = Archive(setting)
    return OptunaSearch(archive, Unseen(archive), Engine(archive, _sampler))


def _sampler(seed: int, constraints: dict[str, Any]) -> TPESampler:
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True, **constraints)

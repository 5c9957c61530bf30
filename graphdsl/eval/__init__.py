"""Measuring: metrics, intervals and tests, scaling laws, and cost models before a run.

Names are imported when they are first used, except for functions that have the name of their
module: these would else be the function or the module, by who came first. Nothing here needs more
than Python. docs/metrics.md has one table of everything.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphdsl.eval.arise import arise
from graphdsl.eval.best_of_k import best_of_k
from graphdsl.eval.bootstrap import bootstrap
from graphdsl.eval.genrm_cost import genrm_cost
from graphdsl.eval.graph_flops import graph_flops
from graphdsl.eval.majority_at_k import majority_at_k
from graphdsl.eval.pass_at_k import pass_at_k
from graphdsl.eval.stage_cost import stage_cost

if TYPE_CHECKING:
    from graphdsl.eval.accuracy import Accuracy
    from graphdsl.eval.anytime import anytime_score, penalised_score
    from graphdsl.eval.arise import AriseReport, arise_report, steady
    from graphdsl.eval.calibration import ReliabilityBin, brier, calibration_error, reliability
    from graphdsl.eval.confidence_sequence import BernsteinSequence, look_level, normal_mixture
    from graphdsl.eval.coverage import CoverageLaw, fit_coverage
    from graphdsl.eval.e_process import (
        BettingProcess,
        betting_interval,
        log_paired_e_value,
        paired_e_value,
    )
    from graphdsl.eval.graph_flops import (
        LLAMAS,
        TASKS,
        UNITS,
        GraphNode,
        ModelShape,
        TaskTokens,
        call_flops,
        complete_graph,
        graph_units,
        node_flops,
    )
    from graphdsl.eval.intervals import (
        Interval,
        clopper_pearson,
        empirical_bernstein,
        hoeffding,
        wilson,
    )
    from graphdsl.eval.kinetics import (
        INTENSITY,
        AttentionShape,
        EffectiveFlops,
        dense_eflops,
        sparse_eflops,
    )
    from graphdsl.eval.metrics import Metric, metric_names, metric_of
    from graphdsl.eval.multiple import (
        certificate_alpha,
        challenger_alpha,
        e_bh,
        holm,
        optimism,
        shrunken_mean,
    )
    from graphdsl.eval.paired import (
        PairedCounts,
        items_needed,
        mcnemar,
        newcombe,
        paired_counts,
        paired_difference,
    )
    from graphdsl.eval.pass_at_k import mean_pass_at_k
    from graphdsl.eval.reward_bench import TiesItem, TiesReport, best_of_accuracy, ties_report
    from graphdsl.eval.saturation import Saturation, fit_saturation
    from graphdsl.eval.stage_cost import additive_stage_cost, affordable_samples
    from graphdsl.eval.targets import answer_key, kind_of
    from graphdsl.eval.word_overlap import TokenF1, token_f1

_HOMES = {
    "accuracy": ("Accuracy",),
    "anytime": ("anytime_score", "penalised_score"),
    "arise": ("AriseReport", "arise_report", "steady"),
    "calibration": ("ReliabilityBin", "brier", "calibration_error", "reliability"),
    "confidence_sequence": ("BernsteinSequence", "look_level", "normal_mixture"),
    "coverage": ("CoverageLaw", "fit_coverage"),
    "e_process": ("BettingProcess", "betting_interval", "log_paired_e_value", "paired_e_value"),
    "graph_flops": (
        "LLAMAS",
        "TASKS",
        "UNITS",
        "GraphNode",
        "ModelShape",
        "TaskTokens",
        "call_flops",
        "complete_graph",
        "graph_units",
        "node_flops",
    ),
    "intervals": ("Interval", "clopper_pearson", "empirical_bernstein", "hoeffding", "wilson"),
    "kinetics": ("INTENSITY", "AttentionShape", "EffectiveFlops", "dense_eflops", "sparse_eflops"),
    "metrics": ("Metric", "metric_names", "metric_of"),
    "multiple": (
        "certificate_alpha",
        "challenger_alpha",
        "e_bh",
        "holm",
        "optimism",
        "shrunken_mean",
    ),
    "paired": (
        "PairedCounts",
        "items_needed",
        "mcnemar",
        "newcombe",
        "paired_counts",
        "paired_difference",
    ),
    "pass_at_k": ("mean_pass_at_k",),
    "reward_bench": ("TiesItem", "TiesReport", "best_of_accuracy", "ties_report"),
    "saturation": ("Saturation", "fit_saturation"),
    "stage_cost": ("additive_stage_cost", "affordable_samples"),
    "targets": ("answer_key", "kind_of"),
    "word_overlap": ("TokenF1", "token_f1"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "INTENSITY",
    "LLAMAS",
    "TASKS",
    "UNITS",
    "Accuracy",
    "AriseReport",
    "AttentionShape",
    "BernsteinSequence",
    "BettingProcess",
    "CoverageLaw",
    "EffectiveFlops",
    "GraphNode",
    "Interval",
    "Metric",
    "ModelShape",
    "PairedCounts",
    "ReliabilityBin",
    "Saturation",
    "TaskTokens",
    "TiesItem",
    "TiesReport",
    "TokenF1",
    "additive_stage_cost",
    "affordable_samples",
    "answer_key",
    "anytime_score",
    "arise",
    "arise_report",
    "best_of_accuracy",
    "best_of_k",
    "betting_interval",
    "bootstrap",
    "brier",
    "calibration_error",
    "call_flops",
    "certificate_alpha",
    "challenger_alpha",
    "clopper_pearson",
    "complete_graph",
    "dense_eflops",
    "e_bh",
    "empirical_bernstein",
    "fit_coverage",
    "fit_saturation",
    "genrm_cost",
    "graph_flops",
    "graph_units",
    "hoeffding",
    "holm",
    "items_needed",
    "kind_of",
    "log_paired_e_value",
    "look_level",
    "majority_at_k",
    "mcnemar",
    "mean_pass_at_k",
    "metric_names",
    "metric_of",
    "newcombe",
    "node_flops",
    "normal_mixture",
    "optimism",
    "paired_counts",
    "paired_difference",
    "paired_e_value",
    "pass_at_k",
    "penalised_score",
    "reliability",
    "shrunken_mean",
    "sparse_eflops",
    "stage_cost",
    "steady",
    "ties_report",
    "token_f1",
    "wilson",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'graphdsl.eval' has no attribute {name!r}")
    value = getattr(import_module(f"graphdsl.eval.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__

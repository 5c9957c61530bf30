"""The policy that a call asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from graphdsl.ops.context import Args
from graphdsl.ops.trees.ab_mcts import AbMcts
from graphdsl.ops.trees.annealing import ANNEALINGS
from graphdsl.ops.trees.astar import AStar
from graphdsl.ops.trees.beam import Beam
from graphdsl.ops.trees.best_first import BestFirst
from graphdsl.ops.trees.dvts import Dvts
from graphdsl.ops.trees.ets import Ets
from graphdsl.ops.trees.expansion import setting
from graphdsl.ops.trees.mcts import Mcts, uct
from graphdsl.ops.trees.posterior import PRIORS
from graphdsl.ops.trees.puct import puct
from graphdsl.ops.trees.rebase import Rebase
from graphdsl.ops.trees.resampling import RESAMPLINGS
from graphdsl.ops.trees.search import Policy
from graphdsl.ops.trees.smc import Smc
from graphdsl.ops.trees.ucb import Ucb

SQRT2: Final = 2**0.5


def policy_of(args: Args) -> Policy:
    """A new policy with the operator's settings."""
    return _POLICIES[args["policy"]](args)


def sees_both(args: Args) -> bool:
    """Whether the policy wants a candidate's own score beside the one with its look-ahead."""
    return args["policy"] == "smc"


def _count(args: Args, name: str, default: int) -> int:
    return int(setting(args, name, default))


def _number(args: Args, name: str, default: float) -> float:
    return float(setting(args, name, default))


def _width(args: Args) -> int:
    return _count(args, "width", 4)


def _nodes(args: Args) -> int:
    return _count(args, "nodes", 32)


def _branch(args: Args) -> int:
    return _count(args, "branch", 2)


def _depth(args: Args) -> int:
    return _count(args, "depth", 16)


def _models(args: Args) -> int:
    return len(args["models"])


def _mcts(args: Args) -> Policy:
    urgency = uct(_number(args, "exploration", SQRT2))
    return Mcts(_nodes(args), _branch(args), urgency, _models(args))


def _ucb(args: Args) -> Policy:
    return Ucb(_nodes(args), _number(args, "exploration", SQRT2), _models(args))


def _ab_mcts(args: Args) -> Policy:
    return AbMcts(_nodes(args), PRIORS[setting(args, "prior", "gaussian")], _models(args))


def _smc(args: Args) -> Policy:
    anneal = setting(args, "anneal", "none")
    usual = "multinomial" if anneal == "none" else "systematic"
    return Smc(
        _width(args),
        _depth(args),
        _number(args, "softness", 1.0),
        RESAMPLINGS[setting(args, "resample", usual)],
        ANNEALINGS[anneal],
        _count(args, "sweeps", 1),
        ahead=_count(args, "lookahead", 0) > 0,
    )


def _ets(args: Args) -> Policy:
    return Ets(
        _width(args),
        _number(args, "softness", 0.2),
        _number(args, "prefix_cost", 1.0),
        _number(args, "variety", 1.5),
    )


_POLICIES: Final[dict[str, Callable[[Args], Policy]]] = {
    "beam": lambda args: Beam(_width(args), _branch(args), _depth(args)),
    "dvts": lambda args: Dvts(_width(args), _branch(args), _depth(args)),
    "best_first": lambda args: BestFirst(_nodes(args), _branch(args), _models(args)),
    "astar": lambda args: AStar(_nodes(args), _branch(args)),
    "mcts": _mcts,
    "puct": lambda args: Mcts(_nodes(args), _branch(args), puct, _models(args)),
    "ucb": _ucb,
    "ab_mcts": _ab_mcts,
    "smc": _smc,
    "rebase": lambda args: Rebase(_width(args), _number(args, "softness", 0.2)),
    "ets": _ets,
}
"""By the word in a program."""

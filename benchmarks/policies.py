"""What policies of tree searches take by themselves: per ask, and the integer programme of ETS.

Every policy is played to its end with outcomes at random, so that an ask costs what it does in a
search: the new nodes are put into the tree, and the next expansions chosen. All is measured in
time of the processor, so that other work on the machine does not count; the bar for asks is for
searches of up to 32 candidates a round, or altogether. The programme of ETS
is solved for leaves whose steps differ, whose texts repeat, and whose vectors form clusters.

    python benchmarks/policies.py [--quick]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from random import Random

from graphdsl.ops.trees.ab_mcts import AbMcts
from graphdsl.ops.trees.annealing import ess
from graphdsl.ops.trees.astar import AStar
from graphdsl.ops.trees.beam import Beam
from graphdsl.ops.trees.best_first import BestFirst
from graphdsl.ops.trees.dvts import Dvts
from graphdsl.ops.trees.ets import Ets
from graphdsl.ops.trees.leaf_choice import check_solver
from graphdsl.ops.trees.mcts import Mcts, uct
from graphdsl.ops.trees.posterior import beta
from graphdsl.ops.trees.puct import puct
from graphdsl.ops.trees.rebase import Rebase
from graphdsl.ops.trees.resampling import systematic
from graphdsl.ops.trees.search import Policy, Search, Trial
from graphdsl.ops.trees.smc import Smc
from graphdsl.ops.trees.tree import Outcome, Tree
from graphdsl.ops.trees.ucb import Ucb

DEPTH = 16
ASK = 100e-6
"""Seconds that an ask may take on average, for at most `USUAL` candidates."""
USUAL = 32
SOLVE = 100e-3
"""Seconds that the programme of ETS may take with 256 leaves."""

Make = Callable[[int], Policy]
ROUNDS: dict[str, Make] = {
    "beam": lambda size: Beam(size, 4, DEPTH),
    "dvts": lambda size: Dvts(size, 4, DEPTH),
    "smc": lambda size: Smc(size, DEPTH),
    "smc, systematic, ess": lambda size: Smc(size, DEPTH, 1.0, systematic, ess),
    "smc, 4 sweeps": lambda size: Smc(size, DEPTH, sweeps=4),
    "rebase": lambda size: Rebase(size),
}
BY_NODE: dict[str, Make] = {
    "best_first": lambda size: BestFirst(size, 2),
    "astar": lambda size: AStar(size, 2),
    "mcts": lambda size: Mcts(size, 2, uct(2**0.5)),
    "puct": lambda size: Mcts(size, 2, puct),
    "ucb": lambda size: Ucb(size, 2**0.5, 3),
    "ab_mcts, gaussian": lambda size: AbMcts(size),
    "ab_mcts, beta": lambda size: AbMcts(size, beta),
}
STEPS: dict[str, Callable[[Random, int], tuple[str, tuple[float, ...] | None]]] = {
    "all steps differ": lambda random, size: (str(random.random()), None),
    "texts repeat": lambda random, size: (str(random.randrange(size // 4)), None),
    "vectors in clusters": lambda random, size: near(random, random.randrange(size // 3)),
}


def near(random: Random, cluster: int) -> tuple[str, tuple[float, ...]]:
    """A step whose vector is near that of its cluster."""
    centre = Random(cluster)
    vector = tuple(centre.gauss(0, 1) + random.gauss(0, 0.1) for _ in range(256))
    return str(random.random()), vector


def outcome(trial: Trial, tree: Tree, random: Random) -> Outcome:
    """What comes of a trial: a score at random, and now and then an end."""
    goes_on = tree[trial.parent].depth + 1 < DEPTH and random.random() < 0.97
    return Outcome(random.random(), open=goes_on)


def asks(policy: Policy, seed: int) -> Iterator[float]:
    """The seconds of each ask of a whole search."""
    search, random = Search(policy, Random(seed), 3), Random(seed)
    while True:
        start = time.thread_time()
        trials = search.ask()
        yield time.thread_time() - start
        if not trials:
            return
        for trial in trials:
            search.tell(trial.id, outcome(trial, search.tree, random))


def solves(width: int, steps: str, seed: int) -> Iterator[float]:
    """The seconds of each ask of ETS that has leaves to choose from."""
    search, random = Search(Ets(width), Random(seed)), Random(seed)
    while trials := search.ask():
        for trial in trials:
            step, vector = STEPS[steps](random, width)
            told = outcome(trial, search.tree, random)
            search.tell(trial.id, Outcome(told.score, told.open, step=step, vector=vector))
        start = time.process_time()  # the solver may have threads of its own
        search.ask()
        yield time.process_time() - start
    if search.tree.fell_back:
        print(f"  {search.tree.notes[0]}")


def mark(seconds: float, bar: float) -> str:
    """Whether it keeps to the bar."""
    return "" if seconds <= bar else f"  more than {bar * 1e6:,.0f} µs"


def by_ask(sizes: tuple[int, ...], rounds: int) -> None:
    """One table row for each policy and size."""
    print(f"{'policy':<24}{'size':>6}{'asks':>7}{'mean µs':>10}{'per node µs':>13}{'worst µs':>10}")
    for name, make in (ROUNDS | BY_NODE).items():
        for size in sizes:
            runs = [list(asks(make(size), seed)) for seed in range(rounds)]
            times = [one for run in runs for one in run]
            mean = statistics.fmean(times)
            nodes = size if name in BY_NODE else size * len(runs[0])
            each = sum(runs[0]) / nodes
            line = f"{name:<24}{size:>6}{len(runs[0]):>7}{mean * 1e6:>10.1f}{each * 1e6:>13.2f}"
            print(f"{line}{max(times) * 1e6:>10.1f}{mark(mean, ASK) if size <= USUAL else ''}")


def by_programme(widths: tuple[int, ...]) -> None:
    """One table row for each kind of steps and width."""
    check_solver()  # imports what is not to be timed
    list(solves(4, "vectors in clusters", 0))
    print(f"\n{'ets':<24}{'leaves':>6}{'asks':>7}{'median ms':>12}{'worst ms':>10}")
    for steps in STEPS:
        for width in widths:
            times = list(solves(width, steps, 1))
            middle, worst = statistics.median(times), max(times)
            line = f"{steps:<24}{width:>6}{len(times):>7}{middle * 1e3:>12.1f}{worst * 1e3:>10.1f}"
            print(line + mark(worst, SOLVE))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    quick: bool = parser.parse_args().quick
    by_ask((4, 32) if quick else (4, 16, 32, 64, 256), 3 if quick else 20)
    by_programme((16, 64) if quick else (16, 64, 256))


if __name__ == "__main__":
    main()

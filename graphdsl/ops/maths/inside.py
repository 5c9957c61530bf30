"""Compares expressions with math-verify: the program of the process that does it.

It is run by its path, alone, with an environment of its own, and imports nothing of graphdsl. It
reads lines of JSON: first `{"path": [...]}`, where packages are, then requests
`{"texts": [...], "pairs": [[i, j], ...], "join": true}`. For each pair it writes a line as soon as
it knows: `1` equal, `0` not, `t` out of time, and with `join` `s` for two texts that earlier pairs
of the request have put together. Each pair has one second of processor time, and stays undecided
after that; half a second later the kernel ends the process.

Only LaTeX is read, by math-verify. No text of a model is given to sympy's own reader, which
evaluates Python; that a library does so with a text of its own cannot be ruled out, so before the
first request the process gives up files, programs and network: see `_confine`.
"""

from __future__ import annotations

import json
import logging
import os
import pkgutil
import signal
import sys
import warnings
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from types import FrameType
from typing import Any, Final, NamedTuple, NoReturn
from zlib import crc32

SECONDS: Final = 1.0
"""Processor time of one comparison (WNJXYK/RPC)."""

_GRACE: Final = 0.5
_MEMORY: Final = 2 << 30
"""Bytes of address space."""

_POINTS: Final = (0.7310585786300049, 1.6180339887498949)
"""Where expressions are looked at, to tell most different ones apart quickly."""

_APART: Final = 1e-5
_ALLOWED: Final = frozenset(
    {
        "array.__new__",
        "builtins.id",
        "code.__new__",
        "compile",  # functions that sympy writes: `lambdify`, named tuples
        "cpython._PySys_ClearAuditHooks",
        "cpython.PyInterpreterState_Clear",
        "exec",
        "function.__new__",
        "object.__delattr__",
        "object.__getattr__",
        "object.__setattr__",
        "sys._getframe",
        "sys.excepthook",
        "sys.unraisablehook",
    }
)
"""All that a comparison has to do, of what `sys.audit` names."""

_PACKAGES: Final = (
    "assumptions",
    "calculus",
    "concrete",
    "core",
    "functions",
    "integrals",
    "logic",
    "matrices",
    "ntheory",
    "polys",
    "series",
    "sets",
    "simplify",
    "solvers",
)
"""Packages of sympy whose modules are imported only when they are wanted; then is too late."""

_LATE_MODULES: Final = (
    "antlr4.LL1Analyzer",
    "sympy.codegen.ast",
    "sympy.combinatorics",
    "sympy.physics.matrices",
    "sympy.physics.units",
    "sympy.tensor.tensor",
)
_UNWANTED: Final = (".tests", ".benchmarks", "_doc", ".compatibility", ".trace")


class _TimeIsUp(BaseException):
    pass


def main() -> None:
    """Answer requests until the pipe closes."""
    out = os.fdopen(os.dup(1), "w", encoding="ascii")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)  # what the libraries print is no answer
    os.dup2(quiet, 2)
    sys.path += json.loads(sys.stdin.readline())["path"]
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    compare = Comparison()
    _import_all()
    _confine()
    out.write("ready\n")
    out.flush()
    for line in sys.stdin:
        _answer(json.loads(line), compare, out)


def _answer(request: dict[str, Any], compare: Comparison, out: Any) -> None:
    texts: list[str] = request["texts"]
    parents = list(range(len(texts)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = at = parents[parents[at]]
        return at

    pairs: list[tuple[int, int]] = request["pairs"]
    for first, second in pairs:
        if request["join"] and root(first) == root(second):
            result = "s"
        else:
            result = compare(texts[first], texts[second])
            if result == "1":
                parents[root(second)] = root(first)
        out.write(result + "\n")
        out.flush()


class Seen(NamedTuple):
    """What an expression is at each of the points, or the right side of an equation."""

    values: tuple[complex, ...]
    equation: bool


class Comparison:
    """Two expressions in LaTeX, of which each is parsed once."""

    def __init__(self) -> None:
        library: Any = import_module("math_verify")
        self._library = library
        self._sympy: Any = import_module("sympy")
        self._late: set[str] = set()
        self._sound: set[str] = set()
        self._alone = ""
        self._configs = [library.LatexExtractionConfig(boxed_match_priority=0)]
        self.parsed: Callable[[str], list[Any]] = lru_cache(4096)(self._parse)
        self.looked: Callable[[str], Seen | None] = lru_cache(4096)(self._look)

    def __call__(self, first: str, second: str) -> str:
        """`1`, `0` or `t`."""
        if first in self._late or second in self._late:
            return "t"
        _denied().clear()
        try:
            equal = _in_time(lambda: self._equal(first, second))
            return "1" if equal else "t" if _denied() else "0"
        except _TimeIsUp:
            slow = [self._alone] if self._alone else filter(self._slow, (first, second))
            self._late.update(slow)
            return "t"
        except MemoryError:
            return "t"
        except Exception:  # whatever a parser does with the text of a model
            return "t" if _denied() else "0"

    def _slow(self, text: str) -> bool:
        """Whether an expression is slow with any other, so that it is compared with none again."""
        if text in self._sound:
            return False
        other = [self._sympy.sqrt(7919)]
        one = self.parsed(text)
        verify = self._library.verify
        try:
            _in_time(lambda: verify(one, other, timeout_seconds=None))
        except _TimeIsUp:
            return True
        except Exception:  # but it came soon
            pass
        self._sound.add(text)
        return False

    def _equal(self, first: str, second: str) -> bool:
        for self._alone in (first, second):  # who is slow already by itself
            if not self.parsed(self._alone):
                return False
            self.looked(self._alone)
        self._alone = ""
        if self._apart(first, second):
            return False
        one, two = self.parsed(first), self.parsed(second)
        if self._named(one[0], two[0]) or self._named(two[0], one[0]):
            return True
        verify = self._library.verify
        return verify(one, two, timeout_seconds=None) or verify(two, one, timeout_seconds=None)

    def _named(self, name: Any, other: Any) -> bool:
        """Whether the other comes to this name, as `x + 0` does: the library compares a name only
        by how it is written."""
        sympy = self._sympy
        if not isinstance(name, sympy.Symbol) or not isinstance(other, sympy.Add | sympy.Mul):
            return False
        return sympy.expand(other.doit()) == name

    def _parse(self, text: str) -> list[Any]:
        try:
            return self._library.parse(
                f"${text}$", self._configs, fallback_mode="no_fallback", parsing_timeout=None
            )
        except Exception:
            return []

    def _apart(self, first: str, second: str) -> bool:
        """True for two expressions with clearly different values at the same point.

        Of an equation beside what is none the right side counts, as it does for the library.
        """
        one, two = self.looked(first), self.looked(second)
        if one is None or two is None or (one.equation and two.equation):
            return False
        pairs = zip(one.values, two.values, strict=True)
        return any(abs(a - b) > _APART * max(1, abs(a), abs(b)) for a, b in pairs)

    def _look(self, text: str) -> Seen | None:
        """The values of an expression; None where it is more, or less, than an expression."""
        sympy = self._sympy
        expression = self.parsed(text)[0]
        if isinstance(expression, sympy.And):  # a chain of equations, of which the last counts
            expression = getattr(expression, "_unsorted_args", expression.args)[-1]
        equation = isinstance(expression, sympy.Eq)
        expression = expression.rhs if equation else expression
        try:
            values = self._values(expression)
        except Exception:  # it has none
            return None
        return Seen(values, equation) if values else None

    def _values(self, expression: Any) -> tuple[complex, ...]:
        sympy = self._sympy
        plain = isinstance(expression, sympy.Expr) and not isinstance(expression, sympy.Symbol)
        if not plain or expression.has(sympy.UnevaluatedExpr, sympy.MatrixExpr):
            return ()  # `50%` is 50 and 0.5, and names are compared as names
        values: list[complex] = []
        for point in _POINTS:
            at = {name: sympy.Float(point + _place(str(name))) for name in expression.free_symbols}
            values.append(complex(expression.subs(at).evalf(15, chop=True)))
        known = all(abs(value) < 1e200 for value in values)  # neither infinite nor undefined
        return tuple(values) if known else ()


def _place(name: str) -> float:
    """A number between 0 and 1, for a name of any expression the same."""
    return crc32(name.encode()) / 2**32


def _in_time(work: Callable[[], Any]) -> Any:
    """What the work gives. Raises `_TimeIsUp` where it has not done it in time."""
    try:
        _begin()
        try:
            return work()
        finally:
            _end()
    except _TimeIsUp:
        _end()
        raise


def _begin() -> None:
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS + _GRACE)  # ends the process: see `_confine`


def _end() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _time_is_up(number: int, frame: FrameType | None) -> NoReturn:
    raise _TimeIsUp


def _import_all() -> None:
    """Import what a comparison may want, since no file can be opened afterwards."""
    for package in _PACKAGES:
        paths = import_module(f"sympy.{package}").__path__
        for module in pkgutil.walk_packages(paths, f"sympy.{package}."):
            if not any(word in module.name for word in _UNWANTED):
                import_module(module.name)
    for name in _LATE_MODULES:
        import_module(name)


def _confine() -> None:
    """No more memory than enough, no files, imports, programs or network, and timers that work.

    No expression should come so far as to ask for them; this is a second lock. It holds for what
    Python does: not for machine code that one would have to find a way to load.
    """
    import resource

    signal.signal(signal.SIGPROF, _time_is_up)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever asks
    limits = (
        ("RLIMIT_AS", _MEMORY),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NPROC", 0),
    )
    for name, limit in limits:
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        try:
            resource.setrlimit(kind, (limit, limit))
        except (OSError, ValueError):  # not on this platform, or already lower
            continue
    sys.addaudithook(_forbid)  # cannot be removed again


def _forbid(event: str, args: tuple[Any, ...]) -> None:
    if event in _ALLOWED:
        return
    if event == "import":
        raise ImportError(event)  # as if it were not installed: sympy can do without numpy
    _denied().append(event)
    raise PermissionError(event)


@cache
def _denied() -> list[str]:
    """What was forbidden since a comparison began: then nothing is known of it."""
    return []


if __name__ == "__main__":
    main()

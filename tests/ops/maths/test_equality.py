"""Which answers are equal as mathematics, as the other process has it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphdsl.errors import ExtraMissing
from graphdsl.ops import required
from graphdsl.ops.extract import Found, find_answer
from graphdsl.ops.grouping import equal_answers, grouped
from graphdsl.ops.maths import equality, process
from graphdsl.ops.maths.aside import GivenUp, aside, still_wanted
from graphdsl.values import Draft

PERIL = "(10^{10})!"
"""An expression whose value nobody can wait for."""


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    equality._memory().clear()  # pyright: ignore[reportPrivateUsage]


@pytest.fixture
def comparer() -> Iterator[process.Comparer]:
    one = process.Comparer()
    yield one
    one.close()


def equal(one: str, two: str) -> bool:
    return equal_answers([(found(one), found(two))], "maths")[0]


def found(answer: str) -> Found:
    read = find_answer(f"Answer: {answer}", "maths")
    assert read is not None
    return read


def sizes(*answers: str) -> list[tuple[str, int]]:
    drafts = [Draft(f"Answer: {answer}") for answer in answers]
    return [(group.answer.shown, len(group.members)) for group in grouped(drafts, "maths")]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("1/2", "2^{-1}"),
        ("x + 1", "1 + x"),
        ("(x+1)^2", "x^2 + 2x + 1"),
        (r"\sqrt{8}", "2 sqrt(2)"),
        ("sin(x)^2 + cos(x)^2", "1"),
        ("3 1/2", "7/2"),
        ("x = 5", "5"),
        ("x = 1 or x = 2", "x = 2, x = 1"),
        ("{1, 2}", "2, 1"),
        ("1 < x < 2", "(1, 2)"),
        ("(1, 2)", "1 < x < 2"),
        ("x > 2", "2 < x"),
        ("2π", r"2\pi"),
        ("exp(2)", "e^2"),
        (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}1\\2.0\end{pmatrix}"),
        ("x + y - x", "y + 0"),
        ("x", "x + 0"),
        ("x", "1x"),
        ("50%", "0.5"),
    ],
)
def test_what_is_the_same_is_equal_both_ways(one: str, two: str) -> None:
    assert equal(one, two)
    assert equal(two, one)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("x + 1", "x + 2"),
        ("(1, 2)", "(2, 1)"),
        ("[0, 1)", "[0, 1]"),
        ("x = 1", "y = 1"),
        (r"\sqrt{3} + 2x", r"\sqrt{5} + x^2"),
        ("a", "b"),
        ("Paris", "Pairs"),
        ("no solution", "0"),
        ("__import__('os').system('true')", "0"),
    ],
)
def test_what_differs_is_not(one: str, two: str) -> None:
    assert not equal(one, two)
    assert not equal(two, one)


def test_groups_are_by_first_occurrence_with_the_first_answer() -> None:
    assert sizes("1/2", "x+1", "7", "0.5", "1+x", "2^{-1}") == [("1/2", 3), ("x+1", 2), ("7", 1)]


def test_equality_is_joined_through_others() -> None:
    """50 % equals 50 and 0.5, which differ: all three are one group (union-find)."""
    assert sizes("50", "0.5") == [("50", 1), ("0.5", 1)]
    assert sizes("50", "0.5", "50%") == [("50", 3)]


def test_drafts_of_joined_groups_stay_in_order() -> None:
    drafts = [Draft(f"{at}. Answer: {a}") for at, a in enumerate(("1+x", "2", "x+1", "1+x"))]
    first, second = grouped(drafts, "maths")
    assert [draft.text[0] for draft in first.members] == ["0", "2", "3"]
    assert [draft.text[0] for draft in second.members] == ["1"]


def test_numbers_and_words_need_no_other_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(equality, "comparer", lambda: pytest.fail("nothing was to be asked"))
    assert sizes("1/2", "0.5", "1,000", "1000", "none", "None.", "50%") == [
        ("1/2", 3),
        ("1000", 2),
        ("none", 2),
    ]


def test_many_numbers_are_not_compared_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []
    real = equality.equal_numbers

    def counted(one: str, two: str) -> bool:
        compared.append((one, two))
        return real(one, two)

    monkeypatch.setattr(equality, "equal_numbers", counted)
    keys = [str(number) for number in range(2000)] + ["0.3333333", "1/3"]
    assert equality.joined_maths(keys) == [*range(2000), 2000, 2000]
    assert compared == [("0.3333333", "1/3")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(
            st.builds("0.{:07}".format, st.integers(3333325, 3333345)),
            st.builds("{}.{:06}%".format, st.just(33), st.integers(333320, 333345)),
            st.builds("{}/3".format, st.integers(1, 2)),
            st.builds("{}/30000{}".format, st.just(10000), st.integers(0, 9)),
            st.builds("0.00000010000{}".format, st.integers(0, 99)),
            st.builds("-0.00000010000{}".format, st.integers(0, 99)),
            st.sampled_from(["0", "50", "50%", "0.5%", "0.5", "5e-7", "0.000001", "1"]),
        ),
        max_size=12,
        unique=True,
    )
)
def test_neighbours_join_what_all_pairs_would(numbers: list[str]) -> None:
    expected = list(range(len(numbers)))
    for one, two in combinations(range(len(numbers)), 2):
        if equality.equal_numbers(numbers[one], numbers[two]):
            low, high = sorted((expected[one], expected[two]))
            expected = [low if root == high else root for root in expected]
    assert equality.joined_maths(numbers) == expected


def test_many_tiny_decimals_are_compared_only_with_their_neighbours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[None] = []
    real = equality.equal_numbers

    def counted(one: str, two: str) -> bool:
        compared.append(None)
        return real(one, two)

    monkeypatch.setattr(equality, "equal_numbers", counted)
    roots = equality.joined_maths([f"0.0000000{number}1" for number in range(1, 1500)])
    assert len(set(roots)) > 1
    assert len(compared) < 3 * 1500


def test_work_on_numbers_and_on_pairs_ends_when_it_is_not_wanted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def give_up() -> None:
        raise GivenUp

    monkeypatch.setattr(equality, "still_wanted", give_up)
    monkeypatch.setattr(equality, "comparer", lambda: pytest.fail("nothing was to be asked"))
    for keys in (["0.1", "0.2"], ["x", "y"]):
        with pytest.raises(GivenUp):
            equality.joined_maths(keys)


async def test_of_very_many_expressions_the_rest_is_compared_as_text_with_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(equality, "COMPARED", 3)
    keys = ["x+1", "x+2", "1+x", "2+x", "7", "0.5", "1/2"]
    notes: list[str] = []
    assert await aside(lambda: equality.joined_maths(keys), notes.append) == [0, 1, 0, 3, 4, 5, 5]
    assert len(notes) == 1
    assert notes[0].startswith("more than 3 different answers; later ones are equal where")
    assert await aside(lambda: equality.joined_maths(keys[:3]), notes.append) == [0, 1, 0]
    assert len(notes) == 1


@pytest.mark.parametrize("answer", ["1/0", "1.5/0", "1e5000/1", "9" * 5000 + "/7", "1e-9999/3"])
def test_a_number_that_is_none_equals_only_itself(
    answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(equality, "comparer", lambda: pytest.fail("nothing was to be asked"))
    assert sizes("7", answer, "2/0", "7", answer) == [("7", 2), (answer, 2), ("2/0", 1)]
    assert equality.equal_maths([(answer, "2/0"), (answer, "7"), (answer, answer)]) == [
        False,
        False,
        True,
    ]
    assert equality.joined_maths([answer, "x"]) == [0, 1]


def test_pairs_that_were_compared_are_not_compared_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sizes("x+1", "1+x", "x+2") == [("x+1", 2), ("x+2", 1)]
    monkeypatch.setattr(equality, "comparer", lambda: pytest.fail("it was known"))
    assert equal("1+x", "x+1")
    assert not equal("x+2", "x+1")


def test_one_request_carries_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[int] = []
    real = process.Comparer.compare

    def counted(
        self: process.Comparer, texts: object, pairs: list[object], *, join: bool
    ) -> object:
        requests.append(len(pairs))
        return real(self, texts, pairs, join=join)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(process.Comparer, "compare", counted)
    assert len(sizes(*(f"x + {number}" for number in range(8)))) == 8
    assert requests == [28]


def test_a_comparison_out_of_time_is_not_equal_and_others_go_on() -> None:
    assert sizes("x+1", PERIL, "1+x") == [("x+1", 2), (PERIL, 1)]


def test_an_expression_that_is_out_of_time_by_itself_is_tried_once(
    comparer: process.Comparer,
) -> None:
    """Or this would take a minute and a half."""
    texts = [PERIL, *map(str, range(90))]
    pairs = [(0, other) for other in range(1, 91)]
    assert comparer.compare(texts, pairs, join=False) == ["t"] * 90
    assert comparer.compare(["9!", "362880"], [(0, 1)], join=False) == ["1"]


class Mortal(process.Comparer):
    """Ends when it has been asked about `peril` as often as it has lives, and says how."""

    def __init__(self, said: str | None, *peril: str, lives: int = 99) -> None:
        super().__init__()
        self.said, self.peril, self.lives = said, peril, lives
        self.asked: list[tuple[str, str]] = []

    def compare(
        self, texts: Sequence[str], pairs: Sequence[tuple[int, int]], *, join: bool
    ) -> list[str | None]:
        for at, (one, two) in enumerate(pairs):
            self.asked.append((texts[one], texts[two]))
            if self.lives and {texts[one], texts[two]} & set(self.peril):
                self.lives -= 1
                return [*super().compare(texts, pairs[:at], join=join), self.said]
        return super().compare(texts, pairs, join=join)


@pytest.fixture
def mortal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Mortal]]:
    made: list[Mortal] = []

    def make(said: str | None, *peril: str, lives: int = 99) -> Mortal:
        made.append(Mortal(said, *peril, lives=lives))
        monkeypatch.setattr(equality, "comparer", lambda: made[-1])
        return made[-1]

    yield make
    for one in made:
        one.close()


PAIRS = [("x+1", "1+x"), ("y+1", "1+y"), ("z+1", "1+z")]


def test_a_pair_whose_process_was_killed_from_outside_is_asked_once_more(
    mortal: Callable[..., Mortal],
) -> None:
    mortal(None, "y+1", lives=1)
    assert equality.equal_maths(PAIRS) == [True, True, True]


def test_a_pair_that_was_lost_twice_is_unequal_but_not_for_ever(
    mortal: Callable[..., Mortal],
) -> None:
    one = mortal(None, "y+1", lives=3)
    assert equality.equal_maths(PAIRS) == [True, False, True]
    assert one.asked.count(("y+1", "1+y")) == 2
    one.lives = 0
    assert equality.equal_maths(PAIRS) == [True, True, True]


def test_only_what_ends_the_process_alone_is_given_up(mortal: Callable[..., Mortal]) -> None:
    """`2+w` shares each of its pairs but the last with one that ends it."""
    killers = [f"w^{number}" for number in range(2, 7)]
    one = mortal(process.OVERRUN, *killers)
    pairs = [*(("2+w", killer) for killer in killers), ("2+w", "w+2")]
    assert equality.equal_maths(pairs) == [False] * 5 + [True]
    assert all(one.asked.count((killer, killer)) == 2 for killer in killers)


def test_an_expression_that_ends_the_process_is_asked_about_in_no_other_pair(
    mortal: Callable[..., Mortal],
) -> None:
    one = mortal(process.OVERRUN, "w^2")
    assert equality.equal_maths([("w^2", f"{at}w") for at in range(9)]) == [False] * 9
    assert one.asked.count(("w^2", "w^2")) == 2
    assert len([pair for pair in one.asked if "w^2" in pair]) == 3


def test_a_killed_process_makes_equal_answers_unequal_neither_now_nor_later(
    comparer: process.Comparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    real = process.Comparer._line  # pyright: ignore[reportPrivateUsage]

    def line(
        self: process.Comparer, running: subprocess.Popen[bytes], seconds: float
    ) -> str | None:
        if not killed and seconds == process.WALL:
            killed.append(running.pid)
            running.kill()
            running.wait()
            return real(self, running, 0.0)
        return real(self, running, seconds)

    monkeypatch.setattr(process.Comparer, "_line", line)
    monkeypatch.setattr(equality, "comparer", lambda: comparer)
    assert equal(r"\frac{x}{2}", "0.5x")
    assert equal(r"\frac{x}{2}", "0.5x")
    assert killed


def test_what_is_undecided_is_asked_again(mortal: Callable[..., Mortal]) -> None:
    one = mortal(process.OVERRUN)
    assert not equal(PERIL, "7")
    assert not equal(PERIL, "7")
    assert len(one.asked) == 2


def test_the_own_timer_of_the_process_is_told_from_others(comparer: process.Comparer) -> None:
    for number, said in ((signal.SIGVTALRM, process.OVERRUN), (signal.SIGKILL, None)):
        running = comparer._running()  # pyright: ignore[reportPrivateUsage]
        running.send_signal(number)
        assert comparer._line(running, 60.0) == said  # pyright: ignore[reportPrivateUsage]


def test_a_process_that_ends_by_itself_is_started_again(comparer: process.Comparer) -> None:
    assert comparer.compare(["x+1", "1+x"], [(0, 1)], join=False) == ["1"]
    running = comparer._process  # pyright: ignore[reportPrivateUsage]
    assert running is not None
    running.kill()
    running.wait()
    assert comparer.compare(["x", "x+1"], [(0, 1)], join=False) == ["0"]


def test_a_comparison_that_is_late_by_the_clock_ends_the_process(
    comparer: process.Comparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert comparer.compare(["1", "1"], [(0, 1)], join=False) == ["1"]
    running = comparer._process  # pyright: ignore[reportPrivateUsage]
    assert running is not None
    monkeypatch.setattr(process, "WALL", 0.05)
    assert comparer.compare([PERIL, "2"], [(0, 1), (1, 0)], join=False) == [None]
    assert running.poll() is not None


def test_the_process_has_no_secrets_and_ends_with_its_pipe(
    comparer: process.Comparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret")
    comparer.compare(["1", "1"], [(0, 1)], join=False)
    running = comparer._process  # pyright: ignore[reportPrivateUsage]
    assert running is not None
    assert running.stdin is not None
    environment = Path(f"/proc/{running.pid}/environ")
    if environment.exists():
        assert b"secret" not in environment.read_bytes()
    running.stdin.close()
    assert running.wait(10) == 0


ATTEMPTS = (
    "open(path)",
    "open(path, 'w')",
    "open(f'/proc/{os.getppid()}/environ', 'rb')",
    "os.open(path, os.O_RDONLY)",
    "os.listdir('/')",
    "os.truncate(path, 0)",
    "os.mkdir(path + '2')",
    "os.link(path, path + '2')",
    "os.symlink(path, path + '2')",
    "os.chmod(path, 0)",
    "os.remove(path)",
    "os.rename(path, path + '2')",
    "os.kill(os.getpid(), 0)",
    "os.system('true')",
    "os.fork()",
    "os.execv('/bin/true', ['true'])",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.spawnv(os.P_WAIT, '/bin/true', ['true'])",
    "subprocess.run(['true'])",
    "socket.socket()",
    "socket.getaddrinfo(b'127.0.0.1', 1)",
    "shutil.copyfile(path, path + '2')",
    "pty.spawn(['true'])",
    "ctypes.CDLL(None)",
    "ctypes.string_at(id(path), 1)",
    "__import__('wave')",
    "__import__('os').system('true')",
)


def test_the_process_can_open_start_reach_or_change_nothing(tmp_path: Path) -> None:
    """What it forbids itself, tried in a process that is confined in the same way."""
    kept = tmp_path / "kept"
    kept.write_text("kept")
    script = f"""
import ctypes, os, pty, shutil, socket, subprocess
from graphdsl.ops.maths import inside
path = {str(kept)!r}
inside._confine()
for attempt in {ATTEMPTS!r}:
    try:
        eval(attempt)
    except (PermissionError, ImportError):
        continue
    print(attempt)
try:
    bytearray(4 << 30)
except MemoryError:
    print("end")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)
    assert kept.read_text() == "kept"
    assert list(tmp_path.iterdir()) == [kept]


def test_the_process_itself_cannot_read_its_parents_environment(tmp_path: Path) -> None:
    """Its own program, with a comparison that tries to instead of one that compares."""
    tried = tmp_path / "tried.py"
    tried.write_text(
        "import os\n"
        "from graphdsl.ops.maths import inside\n"
        "def _equal(self, first, second):\n"
        "    with open(f'/proc/{os.getppid()}/environ', 'rb') as file:\n"
        "        return b'secret' in file.read()\n"
        "def _loose(): pass\n"
        "inside.Comparison._equal = _equal\n"
        "if os.environ.get('LOOSE'): inside._confine = _loose\n"
        "inside.main()\n"
    )
    known: dict[str, object] = {"path": [entry for entry in sys.path if entry]}
    asked: dict[str, object] = {"texts": ["x", "y"], "pairs": [[0, 1]], "join": False}
    said: list[list[str]] = []
    for loose in ("", "1"):
        done = subprocess.run(
            [sys.executable, str(tried)],
            input="".join(json.dumps(line) + "\n" for line in (known, asked)),
            env={"LOOSE": loose},
            capture_output=True,
            text=True,
        )
        said.append(done.stdout.split())
    assert said[0] == ["ready", "t"]
    assert said[1][1] in ("0", "1")  # and without the lock it could


def test_no_comparison_needs_what_is_forbidden(comparer: process.Comparer) -> None:
    """A module that is imported too late, or a file, would leave a pair undecided."""
    texts = [
        r"\frac{d}{dx}x^2",
        "2x",
        r"\int_0^1x^2dx",
        r"\frac{1}{3}",
        r"\begin{pmatrix}1&2\\3&4\end{pmatrix}",
        r"\begin{pmatrix}1&2\\3&4.0\end{pmatrix}",
        r"[0,\infty)",
        r"x\ge 0",
        "5!",
        r"\prod_{k=1}^5k",
        r"\lim_{x\to 0}\frac{\sin x}{x}",
        r"\ln e",
        "x^3-6x^2+11x-6",
        "(x-1)(x-2)(x-3)",
        r"\sinh x",
        r"\frac{e^x-e^{-x}}{2}",
        r"\sum_{n=1}^{4}n",
        r"\binom{5}{2}",
    ]
    pairs = [(at, at + 1) for at in range(0, len(texts), 2)]
    assert comparer.compare(texts, pairs, join=False) == ["1"] * len(pairs)
    others = [(at, at + 3) for at in range(len(texts) - 3)]
    assert comparer.compare(texts, others, join=False) == ["0"] * len(others)


def test_threads_take_turns(comparer: process.Comparer) -> None:
    results: dict[int, list[str | None]] = {}

    def ask(number: int) -> None:
        texts = [f"x+{number}", f"{number}+x", "x"]
        results[number] = comparer.compare(texts, [(0, 1), (0, 2)], join=False)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: ["1", "0"] for number in range(1, 6)}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_has_one_of_its_own() -> None:
    script = """
import os
from graphdsl.ops.maths.equality import equal_maths
from graphdsl.ops.maths.process import comparer
assert equal_maths([("x+1", "1+x")]) == [True]
mine = comparer()._process.pid
child = os.fork()
if not child:
    right = equal_maths([("y+1", "1+y")]) == [True] and comparer()._process.pid != mine
    comparer().close()
    os._exit(0 if right else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert comparer()._process.poll() is None
assert equal_maths([("z+1", "1+z")]) == [True]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_of_it_is_imported_here() -> None:
    script = """
import sys
from graphdsl.ops.grouping import grouped
from graphdsl.values import Draft
drafts = [Draft("Answer: x+1"), Draft("Answer: 1+x")]
assert len(grouped(drafts, "maths")) == 1
assert not {"sympy", "math_verify", "latex2sympy2_extended"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


async def test_the_event_loop_goes_on_meanwhile_and_cancelled_work_ends() -> None:
    begun, looks = threading.Event(), [0]
    ended: list[BaseException] = []

    def work() -> None:
        begun.set()
        try:
            while True:
                looks[0] += 1
                still_wanted()
                time.sleep(0.001)
        except GivenUp as error:
            ended.append(error)
            raise

    task = asyncio.create_task(aside(work))
    while not begun.is_set():
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await aside(lambda: len(ended)) == 1  # the thread is free again


def test_given_up_work_ends_the_process_it_waits_for(
    comparer: process.Comparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def give_up() -> None:
        raise GivenUp

    monkeypatch.setattr(process, "still_wanted", give_up)
    with pytest.raises(GivenUp):
        comparer.compare(["x", "y"], [(0, 1)], join=False)
    monkeypatch.undo()
    assert comparer.compare(["x", "y"], [(0, 1)], join=False) == ["0"]


def test_a_missing_package_is_named_with_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def found_spec(name: str) -> object:
        return None if name == "math_verify" else find_spec(name)

    monkeypatch.setattr(required, "find_spec", found_spec)
    required._installed.cache_clear()  # pyright: ignore[reportPrivateUsage]
    try:
        with pytest.raises(ExtraMissing, match=r"`by: maths` needs `math-verify`: pip install "):
            required.require_packages("vote", {"by": "maths"})
        required.require_packages("extract", {"by": "maths"})
        required.require_packages("vote", {"by": "number"})
    finally:
        required._installed.cache_clear()  # pyright: ignore[reportPrivateUsage]

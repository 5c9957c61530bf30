"""What is received is data or nothing."""

from __future__ import annotations

import json
import subprocess
from collections import Counter, OrderedDict
from typing import Any, NamedTuple

import pytest

from graphdsl.executors.sandbox.inside import seccomp
from graphdsl.executors.sandbox.inside.plain import (
    Malformed,
    Opaque,
    decode,
    encode,
    encode_all,
)
from graphdsl.executors.sandbox.inside.syscall_numbers import MACHINES


class Point(NamedTuple):
    """A tuple by another name."""

    x: int


class Liar(int):
    """A number that says it is another."""

    def __index__(self) -> int:
        return 42

    def __int__(self) -> int:
        return 42


def test_subclasses_count_as_what_they_are_based_on() -> None:
    values: list[Any] = [Point(1), Counter("aa"), OrderedDict(a=1), Liar(7)]
    back: list[Any] = [decode(json.loads(json.dumps(encode(value)))) for value in values]
    assert back == [(1,), {"a": 2}, {"a": 1}, 7]
    assert [type(value) for value in back] == [tuple, dict, dict, int]


def test_iterators_are_sent_whole_unless_they_do_not_end() -> None:
    def endless() -> Any:
        while True:
            yield 1

    assert list(decode(encode(map(str, [1, 2])))) == ["1", "2"]
    assert isinstance(decode(encode(endless())), Opaque)


def test_what_contains_itself_is_opaque() -> None:
    value: list[Any] = []
    value.append(value)
    assert isinstance(decode(encode(value)), Opaque)


def test_what_is_too_much_says_so() -> None:
    encoded, why = encode_all([1, [list(range(100_001))]])
    assert why == "an argument has a `list`, which is larger or deeper than can be sent"
    assert decode(encoded[1]).large
    assert encode_all([[abs]])[1] == (
        "an argument has a `builtin_function_or_method`, which is no plain data"
    )
    assert encode_all([(1, {"a": {2}})])[1] == ""


@pytest.mark.parametrize("name", ["set", "frozenset", "dict"])
def test_values_whose_hashes_collide_are_malformed(name: str) -> None:
    """Twenty thousand such take minutes to put into a set."""
    values: list[Any] = [{"int": hex((2**61 - 1) * n)} for n in range(1, 20_000)]
    if name == "dict":
        values = [[value, 0] for value in values]
    with pytest.raises(Malformed, match="collide"):
        decode({name: values})
    assert len(decode({name: values[:50]})) == 50


def test_a_broken_repr_does_no_harm() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    assert repr(decode(encode(Broken()))) == "<Broken>"


MALFORMED: list[Any] = [
    {},
    {"a": 1, "b": 2},
    {"call": "os.system"},
    {"int": "x"},
    {"set": [[1]]},
    {"dict": [[{"tuple": []}]]},
    {"dict": [[[1], 2]]},
    {"complex": [1, 2, 3]},
    {"range": ["a"]},
    {"range": [1, 2, 0]},
    {"bytes": "zz"},
    {"opaque": []},
    {"float": "x"},
    {"tuple": 1},
]


@pytest.mark.parametrize("data", MALFORMED)
def test_what_encode_never_makes_is_malformed(data: Any) -> None:
    with pytest.raises(Malformed):
        decode(data)


def test_nesting_beyond_the_limit_is_malformed() -> None:
    data: Any = []
    for _ in range(1000):
        data = [data]
    with pytest.raises(Malformed):
        decode(data)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_filter_has_whole_instructions_and_jumps_within_itself(machine: str) -> None:
    for alone in (False, True):
        program = seccomp.program(machine, alone=alone, shared=True, pid=77)
        assert len(program) % 8 == 0
        count = len(program) // 8
        for at in range(count):
            code, if_true, if_false = program[8 * at], program[8 * at + 2], program[8 * at + 3]
            if code & 7 == 5:
                assert at + 1 + max(if_true, if_false) < count


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_agree_with_those_of_the_system(machine: str) -> None:
    """Where the kernel's headers are installed."""
    from graphdsl.executors.sandbox.inside import syscall_numbers as tables

    header = {"x86_64": "asm/unistd_64.h", "aarch64": "asm-generic/unistd.h"}[machine]
    made = subprocess.run(
        ["cc", "-E", "-dM", "-D__ARCH_WANT_NEW_STAT", "-include", header, "-x", "c", "/dev/null"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no headers")
    known = dict(
        line.split()[1:3] for line in made.stdout.splitlines() if line.startswith("#define __NR")
    )
    known = {name: known.get(number, number) for name, number in known.items()}  # `__NR3264_…`
    names = (
        *(tables.NEVER, tables.ATTRIBUTES, tables.SHARED),
        *(tables.PROCESSES, tables.SIGNALS, tables.SPECIAL),
    )
    for table in names:
        for name, number in tables.numbers(table, machine).items():
            assert known.get(f"__NR_{name}", str(number)) == str(number), name

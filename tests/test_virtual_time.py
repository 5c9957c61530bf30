"""The loop whose clock jumps."""

from __future__ import annotations

import asyncio

import pytest

from graphdsl.testing.virtual_time import run_virtually


def test_sleeping_takes_exactly_its_time() -> None:
    async def main() -> list[str]:
        found: list[str] = []

        async def one(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            found.append(name)

        await asyncio.gather(one("late", 3600), one("soon", 1), one("later", 7200))
        return found

    assert run_virtually(main()) == (["soon", "late", "later"], 7200)


def test_deadlines_are_met() -> None:
    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await asyncio.sleep(61)

    assert run_virtually(main()) == (None, 60)


def test_threads_take_no_time() -> None:
    async def main() -> int:
        return await asyncio.to_thread(lambda: 7)

    assert run_virtually(main()) == (7, 0)

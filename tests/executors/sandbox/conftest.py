"""Every kind of sandbox that keeps its promises on this machine."""

from __future__ import annotations

import pytest

from graphdsl.executors.sandbox.abc import Kind, Sandbox
from graphdsl.executors.sandbox.chosen import probed
from graphdsl.executors.sandbox.kinds import KINDS


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
async def box(request: pytest.FixtureRequest) -> Sandbox:
    """A sandbox of the kind; skips where it does not work."""
    kind: Kind = request.param
    found = await probed(kind)
    if found.sandbox is None:
        pytest.skip(f"{kind.name}: {found.why}")
    return found.sandbox


@pytest.fixture
async def any_box() -> Sandbox:
    """The best sandbox that works here, be it a weak one."""
    for kind in KINDS:
        if (found := (await probed(kind)).sandbox) is not None:
            return found
    pytest.skip("no sandbox works here")

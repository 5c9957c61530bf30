"""The kinds of sandboxes, the best first. `KINDS` is the visible table."""

from __future__ import annotations

from typing import Final

from graphdsl.executors.sandbox.abc import Kind
from graphdsl.executors.sandbox.kind_bwrap import Bwrap
from graphdsl.executors.sandbox.kind_container import Container
from graphdsl.executors.sandbox.kind_landlock import Landlock
from graphdsl.executors.sandbox.kind_namespaces import Namespaces
from graphdsl.executors.sandbox.kind_subprocess import Subprocess

KINDS: Final[tuple[Kind, ...]] = (
    Namespaces(),
    Bwrap(),
    Container("podman"),
    Container("docker"),
    Landlock(),
    Subprocess(),
)
"""From strong to weak; of those equally strong the quicker first."""

"""The passes, in the order in which they run."""

from __future__ import annotations

from typing import Final

from graphdsl.compiler.passes.abc import Pass
from graphdsl.compiler.passes.constant_fold import ConstantFold
from graphdsl.compiler.passes.dead_nodes import DeadNodes
from graphdsl.compiler.passes.quorum import Quorum

PASSES: Final[tuple[Pass, ...]] = (ConstantFold(), DeadNodes(), Quorum())
"""What `optimise` does unless told otherwise. From `dead-nodes` on nothing unneeded is left."""

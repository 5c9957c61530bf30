"""What others need to test their own backends and strategies against graphdsl. Needs pytest."""

import pytest

pytest.register_assert_rewrite(
    "graphdsl.testing.backend_suite",
    "graphdsl.testing.ending_promises",
    "graphdsl.testing.limit_promises",
    "graphdsl.testing.promises",
    "graphdsl.testing.proposal_promises",
    "graphdsl.testing.sampling_promises",
    "graphdsl.testing.score_promises",
    "graphdsl.testing.strategy_spaces",
    "graphdsl.testing.strategy_suite",
    "graphdsl.testing.telling_promises",
    "graphdsl.testing.text_promises",
)

from graphdsl.testing.backend_suite import BackendSuite  # noqa: E402 (after the registration)
from graphdsl.testing.faulty_server import FaultyServer  # noqa: E402
from graphdsl.testing.scripted_advisor import ScriptedAdvisor  # noqa: E402
from graphdsl.testing.strategy_suite import StrategySuite  # noqa: E402

__all__ = ["BackendSuite", "FaultyServer", "ScriptedAdvisor", "StrategySuite"]

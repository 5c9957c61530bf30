"""What a third party needs to test its own backends against graphdsl. Needs pytest."""

import pytest

pytest.register_assert_rewrite(
    "graphdsl.testing.backend_suite",
    "graphdsl.testing.ending_promises",
    "graphdsl.testing.limit_promises",
    "graphdsl.testing.promises",
    "graphdsl.testing.sampling_promises",
    "graphdsl.testing.score_promises",
    "graphdsl.testing.text_promises",
)

from graphdsl.testing.backend_suite import BackendSuite  # noqa: E402 (after the registration)
from graphdsl.testing.faulty_server import FaultyServer  # noqa: E402

__all__ = ["BackendSuite", "FaultyServer"]

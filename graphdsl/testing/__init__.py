"""What a third party needs to test its own backends against graphdsl. Needs pytest."""

import pytest

pytest.register_assert_rewrite("graphdsl.testing.backend_suite")

from graphdsl.testing.backend_suite import BackendSuite  # noqa: E402 (after the registration)

__all__ = ["BackendSuite"]

"""Independent implementations, from numpy and scipy, that the tests compare with."""

from __future__ import annotations

from typing import Any

import pytest

numpy: Any = pytest.importorskip("numpy")
special: Any = pytest.importorskip("scipy.special")
stats: Any = pytest.importorskip("scipy.stats")
optimize: Any = pytest.importorskip("scipy.optimize")

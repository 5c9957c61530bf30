"""The whole environment that code gets. Nothing is inherited, so no key can be."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final


def environment(scratch: str) -> dict[str, str]:
    """What is set inside; `scratch` is home and the place for temporary files."""
    return {**_SAME, "HOME": scratch, "TMPDIR": scratch}


_SAME: Final = MappingProxyType({"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "TZ": "UTC"})

"""A fresh folder on the host for one execution."""

from __future__ import annotations

import os
import tempfile

from graphdsl.errors import SandboxError


def new_scratch(user: int | None) -> str:
    """The path of a new folder that only `user` (None: this one) may enter.

    Raises `SandboxError` when there is no room for one.
    """
    try:
        path = os.path.realpath(tempfile.mkdtemp(prefix="graphdsl-code-"))
        if user is not None:
            os.chown(path, user, user)
    except OSError as error:
        raise SandboxError(f"no scratch folder can be made: {error.strerror}") from error
    return path

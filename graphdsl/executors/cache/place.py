"""Where answers are kept when nobody says where."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from graphdsl.executors.model_cache import cache_folder, is_off

VARIABLE: Final = "GRAPHDSL_ANSWERS"
"""The environment variable with the path of the file, or `off`."""

_FILE: Final = "answers.sqlite"


def default_path() -> Path | None:
    """`$GRAPHDSL_ANSWERS`, else a file in the folder of caches; None where the first of
    `GRAPHDSL_ANSWERS` and `GRAPHDSL_CACHE` that is set says `off`."""
    own = os.environ.get(VARIABLE)
    if is_off(own or os.environ.get("GRAPHDSL_CACHE")):
        return None
    return Path(own).expanduser() if own else cache_folder() / _FILE

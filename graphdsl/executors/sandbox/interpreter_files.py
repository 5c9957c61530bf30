"""Which files of the host Python needs to run code: its library, and shared libraries."""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Final

_SYSTEM: Final = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
_ZONES: Final = "/usr/share/zoneinfo"
_PACKAGES: Final = tuple(
    f"{above}{kind}-packages" for above in ("", "python*/") for kind in ("site", "dist")
)

NOBODY: Final = 65534
"""The user that owns nothing."""


@cache
def interpreter_files() -> tuple[str, ...]:
    """Folders and files, none within another; links among them stand for themselves."""
    base = {"platbase": sys.base_exec_prefix}  # not that of a virtual environment
    own = [sysconfig.get_path(name, vars=base) for name in ("stdlib", "platstdlib")]
    shared = sysconfig.get_config_var("LIBDIR")
    if isinstance(shared, str) and Path(shared).is_relative_to(sys.base_prefix):
        own.append(shared)
    paths = [path for path in (*own, *_SYSTEM, _ZONES) if os.path.lexists(path)]
    real = {path for path in paths if not os.path.islink(path)}
    inner = {path for path in real if any(str(up) in real for up in Path(path).parents)}
    return tuple(dict.fromkeys(path for path in paths if path not in inner))


@cache
def installed_packages() -> tuple[str, ...]:
    """Folders within those where packages are installed, which are nobody's business inside."""
    real = [path for path in interpreter_files() if not os.path.islink(path)]
    return tuple(
        sorted(str(one) for path in real for way in _PACKAGES for one in Path(path).glob(way))
    )


@cache
def library_files() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The same files without those packages, where one can only allow and never take back: what
    may be read with all that is in it, and folders of which only the names may be listed."""
    hidden = set(installed_packages())
    around = {str(folder) for path in hidden for folder in Path(path).parents}
    whole: list[str] = []
    listed: list[str] = []
    left = [os.path.realpath(path) for path in interpreter_files()]
    while left:
        path = left.pop()
        if path in hidden:
            continue
        if path in around:
            listed.append(path)
            left += [entry.path for entry in os.scandir(path) if not entry.is_symlink()]
        else:
            whole.append(path)
    return tuple(sorted(set(whole))), tuple(sorted(set(listed)))


@cache
def lower_user() -> int | None:
    """The user that code gets where this process is root and Python can be read by everyone."""
    if os.geteuid() != 0:
        return None
    library = Path(os.__file__).resolve()
    if not library.stat().st_mode & stat.S_IROTH:
        return None
    enterable = all(folder.stat().st_mode & stat.S_IXOTH for folder in library.parents)
    return NOBODY if enterable else None

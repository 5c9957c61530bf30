"""Resumable downloads: what has arrived stays in `NAME.part` and the next attempt continues it."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from graphdsl.errors import BackendError
from graphdsl.executors.model_cache import sha256_of

Progress = Callable[[int, int], None]
"""Called with (done, total), in bytes; an exception from it stops the work and leaves the part."""

PAUSE: float = 0.5
"""Seconds before the second attempt at the same byte; doubles with each further one."""

_CHUNK: Final = 1 << 18
_ATTEMPTS: Final = 5
_TIMEOUT: Final = 60.0
_RETRY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_RANGE_REFUSED: Final = 416


@dataclass(frozen=True, slots=True)
class Source:
    """A file to fetch: its address, its expected sha256, and the model it belongs to."""

    url: str
    sha256: str
    model: str


def download(source: Source, target: Path, progress: Progress) -> None:
    """Fetch into `target`, continuing an earlier attempt; the hash is checked before the rename.

    Raises `BackendError`: `retryable` when the network failed, not when the content is wrong.
    """
    part = target.with_name(target.name + ".part")
    if urlsplit(source.url).scheme == "file":
        _copy(source, part, progress)
    else:
        _fetch(source, part, progress)
    found = sha256_of(part)
    if found != source.sha256:
        part.unlink()
        raise BackendError(
            f"the download for `{source.model}` has the wrong content: sha256 {found} instead of "
            f"{source.sha256}; it was deleted, pull again to start over",
            model=source.model,
        )
    os.replace(part, target)


def _copy(source: Source, part: Path, progress: Progress) -> None:
    origin = Path(urllib.request.url2pathname(urlsplit(source.url).path))
    try:
        shutil.copyfile(origin, part)
    except FileNotFoundError as error:
        raise _failed(source, "the local file is not there") from error
    size = part.stat().st_size
    progress(size, size)


def _fetch(source: Source, part: Path, progress: Progress) -> None:
    """Attempts that bring at least one byte do not count against the limit."""
    failures = 0
    while True:
        before = _size(part)
        try:
            if _continue(source, part, progress):
                return
            reason = "the connection ended early"
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ssl.SSLError) as e:
            reason = _reason(e)
            if isinstance(e, urllib.error.HTTPError):
                e.close()
                if e.code not in _RETRY:
                    raise _failed(source, reason) from e
        except ConnectionError as e:
            reason = str(e)
        failures = 0 if _size(part) > before else failures + 1
        if failures >= _ATTEMPTS:
            raise _failed(source, reason, retryable=True)
        time.sleep(PAUSE * 2**failures if failures else 0)


def _continue(source: Source, part: Path, progress: Progress) -> bool:
    """One request for what is missing; True when the file is whole."""
    start = _size(part)
    request = urllib.request.Request(source.url, headers={"Accept-Encoding": "identity"})
    if start:
        request.add_header("Range", f"bytes={start}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT, context=_tls())
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_REFUSED or not start:
            raise
        error.close()
        return _settle_refused_range(error, part)
    with response:
        return _append(response, part, start if response.status == 206 else 0, progress)


def _settle_refused_range(error: urllib.error.HTTPError, part: Path) -> bool:
    """Nothing follows what we hold: it is the whole file, or it is not a piece of this file."""
    whole = error.headers.get("Content-Range", "").rpartition("/")[2]
    if whole.isdigit() and int(whole) != _size(part):
        part.unlink()
        return False
    return True


def _append(response: Any, part: Path, start: int, progress: Progress) -> bool:
    length = response.headers.get("Content-Length")
    total = start + int(length) if length else 0
    done = start
    # Unbuffered, and `read1` takes what is there: a kill loses nothing that has arrived.
    with part.open("r+b" if part.exists() else "wb", buffering=0) as file:
        file.truncate(start)
        file.seek(start)
        while chunk := response.read1(_CHUNK):
            file.write(chunk)
            done += len(chunk)
            progress(done, max(total, done))
    return not total or done >= total


def _tls() -> ssl.SSLContext:
    """The system's trust, plus the bundles that package installers are commonly told to use."""
    context = ssl.create_default_context()
    for name in ("PIP_CERT", "REQUESTS_CA_BUNDLE"):
        bundle = os.environ.get(name)
        if bundle and Path(bundle).is_file():
            context.load_verify_locations(bundle)
    return context


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error) or type(error).__name__


def _failed(source: Source, reason: str, *, retryable: bool = False) -> BackendError:
    host = urlsplit(source.url).hostname or "the local disk"
    return BackendError(
        f"cannot download `{source.model}` from {host}: {reason}; pull again to continue where it "
        "stopped, or give the path of a .gguf file instead of the name",
        model=source.model,
        retryable=retryable,
    )

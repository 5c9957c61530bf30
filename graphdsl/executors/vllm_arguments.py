"""From a model block to the command line of `vllm serve`, and to the model's weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import ModelNotFound
from graphdsl.executors.catalogue import CATALOGUE
from graphdsl.executors.hf_weights import CONFIG, converted
from graphdsl.ir.entities import ModelSpec

SEQUENCES: Final = 256
"""Generations at the same time, unless `max_in_flight` or `arguments` say otherwise."""

STARTUP: Final = 600.0
"""Seconds that a start may take, unless the model block says otherwise."""

_PRIORITY: Final = ("--scheduling-policy", "priority")
_SEQUENCES: Final = "--max-num-seqs"

_OPTIONS: Final[Mapping[str, Callable[[Any], Sequence[str]]]] = {
    "dtype": lambda value: ("--dtype", value),
    "gpu_memory": lambda value: ("--gpu-memory-utilization", str(value)),
    "tensor_parallel": lambda value: ("--tensor-parallel-size", str(value)),
    "enforce_eager": lambda value: ("--enforce-eager",) if value else (),
    "context": lambda value: ("--max-model-len", str(value)),
}

_STRUCTURED: Final = '{"backend": "guidance", "disable_any_whitespace": true}'
"""JSON without space: small models fill whatever space a grammar leaves them, up to the limit."""

_TASKS: Final[Mapping[str, Sequence[str]]] = {
    "generate": ("--runner", "generate", *_PRIORITY, "--structured-outputs-config", _STRUCTURED),
    "embed": ("--runner", "pooling", "--convert", "embed"),
    "score": ("--runner", "pooling"),
    "reward": ("--runner", "pooling"),
}
"""Any model can embed; one that scores or rewards has been trained for it, and its files say so."""


def serve_arguments(spec: ModelSpec, model: str, port: int) -> list[str]:
    """What follows `vllm serve`; `arguments` of the block come last, so that they win.

    The key is not among them: every user of the machine can read a command line.
    """
    return [
        model,
        *("--host", "127.0.0.1", "--port", str(port), "--served-model-name", spec.model),
        *("--enable-prompt-tokens-details", "--disable-uvicorn-access-log"),
        *engine_arguments(spec),
    ]


def engine_arguments(spec: ModelSpec) -> list[str]:
    """What any way of running the engine wants to know."""
    found: list[str] = [*_TASKS[spec.options.get("task", "generate")]]
    for name, arguments in _OPTIONS.items():
        if name in spec.options:
            found += arguments(spec.options[name])
    further = [str(argument) for argument in spec.options.get("arguments", ())]
    return [*found, _SEQUENCES, str(in_flight(spec)), *further]


def in_flight(spec: ModelSpec) -> int:
    """How many generations the engine is asked to run at the same time."""
    given = spec.options.get("max_in_flight")
    said = flag_value(_SEQUENCES, spec)
    if given is None and said is not None and said.isdigit():
        return int(said)
    return int(given or SEQUENCES)


def has_priorities(spec: ModelSpec) -> bool:
    """Whether the server that these options start orders calls by their priority."""
    return flag_value(_PRIORITY[0], spec) in (None, _PRIORITY[1])


def weights(spec: ModelSpec) -> str:
    """What vLLM is to load: a folder of this machine, or the name as it stands, for the hub.

    A name of the catalogue is the folder that `graphdsl models convert` made of it. A relative
    path starts from the folder of the file. Raises `ModelNotFound` where a path is none.
    """
    name = spec.model
    folder = Path(spec.folder or "", Path(name).expanduser())
    if (folder / CONFIG).is_file():
        return str(folder.resolve())
    if name in CATALOGUE:
        return str(_of_catalogue(spec))
    if folder.exists() or name.startswith((".", "/", "~")) or name.endswith(".gguf"):
        raise ModelNotFound(
            f"{folder} is no folder of Hugging Face weights, which the model `{spec.name}` needs "
            f"(it has no {CONFIG}); a .gguf file becomes one with `graphdsl models convert`",
            model=spec.name,
        )
    return name


def _of_catalogue(spec: ModelSpec) -> Path:
    found = converted(spec.model)
    if found is None:
        raise ModelNotFound(
            f"vLLM needs Hugging Face weights of `{spec.model}`, which are not on this machine "
            f"yet: graphdsl models convert {spec.model}",
            model=spec.name,
        )
    return found


def flag_value(flag: str, spec: ModelSpec) -> str | None:
    """What the further arguments of the block say to a flag, the last one; None for nothing."""
    given = [str(argument) for argument in spec.options.get("arguments", ())]
    for at in reversed(range(len(given))):
        name, equals, value = given[at].partition("=")
        if name == flag:
            return value if equals else (given[at + 1] if at + 1 < len(given) else "")
    return None

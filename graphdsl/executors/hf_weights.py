"""Turns a GGUF model into a folder of Hugging Face weights, which vLLM can load.

The weights come out in bfloat16, whatever the quantisation was: what the quantisation has lost
stays lost. Needs the extra `convert`.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import io
import shutil
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

from graphdsl.errors import BackendError, ModelCorrupt, ModelNotFound
from graphdsl.executors.gguf import check_complete
from graphdsl.executors.model_cache import models_dir, require_space, storage

CONFIG: Final = "config.json"
"""The file that makes a folder one of Hugging Face weights."""

_WEIGHTS: Final = "model.safetensors"
_SUFFIX: Final = "-hf"
_PACKAGES: Final = ("torch", "transformers", "gguf", "accelerate", "safetensors")
_GROWTH: Final = 5
"""How much larger bfloat16 weights may be than the file (4 bits become 16), and some room."""


def converted_path(name: str) -> Path:
    """Where the converted weights of a catalogue model are kept."""
    return models_dir() / (name + _SUFFIX)


def converted(name: str) -> Path | None:
    """The folder of a catalogue model that has been converted, if there is one."""
    folder = converted_path(name)
    return folder if (folder / CONFIG).is_file() and (folder / _WEIGHTS).is_file() else None


def convert(source: Path, target: Path) -> Path:
    """Write the weights, configuration and tokenizer of a .gguf file into a new folder.

    The folder appears when it is complete, or not at all. Takes about half a minute for 135
    million parameters, and memory for all weights. Raises `BackendError` where the folder exists
    or a package is missing, `ModelNotFound`, and `ModelCorrupt` for a file that is no model.
    """
    if target.exists():
        raise _there(target)
    if not source.is_file():
        raise ModelNotFound(f"there is no file {source} to convert", model=source.name)
    try:
        check_complete(source)
    except ValueError as error:
        raise ModelCorrupt(f"{source} cannot be converted: {error}", model=source.name) from error
    _require_packages()
    size = source.stat().st_size * _GROWTH
    with storage(target.parent, size, source.stem):
        target.parent.mkdir(parents=True, exist_ok=True)
        require_space(target.parent, size, source.stem)
        half = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        try:
            _write(source, half)
            half.chmod(0o755)
            _appear(half, target)
        except BaseException:
            shutil.rmtree(half, ignore_errors=True)
            raise
    return target


def _write(source: Path, folder: Path) -> None:
    """Not by `save_pretrained` of the model, which still takes itself for a quantised one."""
    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    files: Any = importlib.import_module("safetensors.torch")
    place, name = str(source.parent), source.name
    with _quiet(transformers):
        tokenizer = transformers.AutoTokenizer.from_pretrained(place, gguf_file=name)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place, gguf_file=name, dtype=torch.bfloat16
        )
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        model.config.save_pretrained(str(folder))
        files.save_file(_tensors(model), str(folder / _WEIGHTS), metadata={"format": "pt"})
        tokenizer.save_pretrained(str(folder))
        if model.generation_config is not None:
            model.generation_config.save_pretrained(str(folder))
    if not tokenizer.chat_template:
        raise ModelCorrupt(f"{source} has no chat template, so it cannot chat", model=name)
    (folder / _WEIGHTS).chmod(0o644)


def _appear(half: Path, target: Path) -> None:
    try:
        half.rename(target)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise _there(target) from error  # another process was quicker
        raise


def _there(target: Path) -> BackendError:
    return BackendError(f"{target} is there already; delete it, or name another folder")


def _tensors(model: Any) -> dict[str, Any]:
    """The weights, without the output matrix where it is the same as the input's."""
    return {
        name: tensor.contiguous()
        for name, tensor in model.state_dict().items()
        if not (name == "lm_head.weight" and model.config.tie_word_embeddings)
    }


def _require_packages() -> None:
    for package in _PACKAGES:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise BackendError(
                f"converting needs the package `{package}`: pip install 'graphdsl-tts[convert]'"
            ) from error


@contextlib.contextmanager
def _quiet(transformers: Any) -> Generator[None]:
    """Without the progress bars and remarks of the packages."""
    talk = transformers.utils.logging
    verbosity = talk.get_verbosity()
    talk.set_verbosity_error()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        talk.set_verbosity(verbosity)

"""What conversion to Hugging Face weights refuses; `tests/vllm` runs what it makes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from graphdsl.errors import BackendError, ModelCorrupt, ModelNotFound
from graphdsl.executors.catalogue import pull
from graphdsl.executors.hf_weights import convert, converted, converted_path


def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="is there already"):
        convert(tmp_path / "model.gguf", tmp_path)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"no file .*nothing\.gguf to convert"):
        convert(tmp_path / "nothing.gguf", tmp_path / "out")


def test_a_file_that_is_no_model_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    source = tmp_path / "notes.gguf"
    source.write_text("These are notes, and not a model at all.")
    with pytest.raises(ModelCorrupt, match="cannot be converted: it does not begin with"):
        convert(source, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.gguf"]


@pytest.mark.model
def test_a_missing_package_says_which_extra_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendError, match=r"`torch`: pip install 'graphdsl-tts\[convert\]'"):
        convert(pull("smollm2-135m"), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_only_a_complete_folder_counts_as_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAPHDSL_CACHE", str(tmp_path))
    folder = converted_path("smollm2-135m")
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert converted("smollm2-135m") is None
    (folder / "model.safetensors").write_bytes(b"")
    assert converted("smollm2-135m") == folder

"""The package as others get it: import cost, exported names, sdist → wheel → import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest

import graphdsl

ROOT = Path(__file__).parent.parent
HEAVY = {
    *("lark", "rich", "pydantic", "jinja2", "networkx", "click", "numpy", "xllamacpp"),
    *("aiohttp", "httpx", "requests", "urllib.request", "asyncio", "importlib.metadata"),
    *("graphdsl.executors.engine", "graphdsl.compiler.check", "graphdsl.api.runtime"),
}


def _python(code: str, *, cwd: Path, python: str = sys.executable) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    done = subprocess.run(
        [python, "-c", textwrap.dedent(code)], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_lists_exactly_what_can_be_used() -> None:
    assert sorted(graphdsl.__all__) == graphdsl.__all__
    for name in graphdsl.__all__:
        assert getattr(graphdsl, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = graphdsl.nothing


def test_import_graphdsl_imports_nothing_heavy(tmp_path: Path) -> None:
    code = "import graphdsl, json, sys; print(json.dumps(sorted(sys.modules)))"
    assert HEAVY.isdisjoint(json.loads(_python(code, cwd=tmp_path)))


def test_loading_a_program_imports_no_engine(tmp_path: Path) -> None:
    code = """
        import graphdsl, json, sys
        graphdsl.load('edition "2026" flow f(x: Text) -> Text { return x }')
        print(json.dumps(sorted(sys.modules)))
    """
    loaded = set(json.loads(_python(code, cwd=tmp_path)))
    assert loaded.isdisjoint({"rich", "pydantic", "networkx", "xllamacpp", "numpy", "click"})
    assert "graphdsl.executors.engine" not in loaded


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that was built from the sdist, as an installer would."""
    out = tmp_path_factory.mktemp("dist")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    built = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path},  # the build backend is a command beside the interpreter
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (found,) = out.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_holds_its_data_files(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "graphdsl/py.typed" in names
    for folder, suffix in (("syntax", ".lark"), ("std", ".tts"), ("explanations", ".md")):
        here = {path.name for path in (ROOT / "graphdsl" / folder).glob(f"*{suffix}")}
        packed = {Path(name).name for name in names if name.startswith(f"graphdsl/{folder}/")}
        assert here
        assert here <= packed


@pytest.mark.slow
def test_the_wheel_holds_only_the_package(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"graphdsl"}


@pytest.mark.slow
def test_the_wheel_imports_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "empty"
    venv.create(home, with_pip=True)
    python = home / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, cwd=tmp_path)
    code = """
        import importlib.util, graphdsl, graphdsl.compiler, graphdsl.executors, graphdsl.search
        assert graphdsl.Budget(calls=3).calls == 3
        for name in ("compiler", "executors", "search"):
            assert importlib.util.find_spec(name) is None, name
        print(graphdsl.__file__)
    """
    place = _python(code, cwd=tmp_path, python=str(python)).strip()
    assert Path(place).is_relative_to(home)

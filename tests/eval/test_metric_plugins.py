"""Metrics of other packages: installed, found, used, and named when they are wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

METRIC = """
class Shouting:
    name = "shouting"
    def score(self, value, target):
        return SCORE
METRIC = Shouting()
"""

ASK = """
import sys
from graphdsl.errors import InputError
from graphdsl.eval import metric_names, metric_of
print(",".join(metric_names()))
print("loaded" if "shouts" in sys.modules else "not loaded")
try:
    print(metric_of(NAME).score("HELLO", "hello"))
except InputError as error:
    print(error)
"""


def install(site: Path, package: str, entry: str, code: str) -> None:
    """Let a package with that entry point and that code be installed."""
    info = site / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[graphdsl.metrics]\n{entry}\n")
    (site / f"{package}.py").write_text(code)


def ask(site: Path, name: str = "shouting") -> list[str]:
    """The names of metrics, whether the package is loaded for them, and what the metric gives."""
    code = f"import sys; sys.path.insert(0, {str(site)!r})\n" + ASK.replace("NAME", repr(name))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_installed_metric_is_listed_and_used(tmp_path: Path) -> None:
    install(tmp_path, "shouts", "shouting = shouts:METRIC", METRIC.replace("SCORE", "0.75"))
    names, loaded, score = ask(tmp_path)
    assert names == "accuracy,text,number,choice,maths,exact,f1,shouting"
    assert (loaded, score) == ("not loaded", "0.75")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "of the package `shouts` cannot be loaded: ZeroDivisionError"),
        ("import no_such_thing", "of the package `shouts` cannot be loaded: ModuleNotFoundError"),
        ("METRIC = 7", "`shouts:METRIC` of the package `shouts` is no `Metric` named `shouting`"),
        (METRIC.replace("SCORE", "2"), "the metric `shouting` gave 2, which is not from 0 to 1"),
        (METRIC.replace("SCORE", "float('nan')"), "the metric `shouting` gave nan"),
        (METRIC.replace("SCORE", "'good'"), "the metric `shouting` gave 'good'"),
    ],
)
def test_a_metric_that_is_wrong_is_named(tmp_path: Path, code: str, message: str) -> None:
    install(tmp_path, "shouts", "shouting = shouts:METRIC", code)
    assert message in ask(tmp_path)[2]


def test_two_packages_with_one_metric_are_both_named(tmp_path: Path) -> None:
    for package in ("shouts", "cries"):
        install(tmp_path, package, f"shouting = {package}:METRIC", METRIC)
    message = ask(tmp_path)[2]
    assert "uninstall all but one of them" in message
    assert "`shouts:METRIC` of the package `shouts`" in message
    assert "`cries:METRIC` of the package `cries`" in message


def test_no_package_can_replace_a_metric_of_this_one(tmp_path: Path) -> None:
    install(tmp_path, "shouts", "exact = shouts:METRIC", METRIC.replace("SCORE", "0.75"))
    names, _, score = ask(tmp_path, "exact")
    assert names.split(",").count("exact") == 1
    assert score == "0.0"

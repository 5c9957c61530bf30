"""What `EmbeddedBackend` costs beside bare xllamacpp: tokens per second of an 8-sample batch.

    python benchmarks/embedded.py [--rounds 11] [--threads 2] [--model smollm2-135m]

Each side has a server with the same settings and gets the same requests, in turns, so that load
from elsewhere hits both. The bar: graphdsl keeps at least 0.95 of the bare throughput (median of
the rounds' ratios). Ends with status 1 below the bar. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.catalogue import pull
from graphdsl.executors.cpus import default_threads
from graphdsl.executors.embedded import CONTEXT, EmbeddedBackend
from graphdsl.executors.llama_request import chat_body
from graphdsl.executors.llama_server import Settings, parameters
from graphdsl.plan import ModelSpec
from graphdsl.values import Messages

BAR: Final = 0.95
SAMPLES: Final = 8
TOKENS: Final = 48
QUESTIONS: Final = (
    "Tell a short story about a fox.",
    "Why is the sky blue?",
    "Explain what a prime number is.",
    "Describe a busy market in the morning.",
)


@dataclass(frozen=True, slots=True)
class Measure:
    """One batch: tokens generated, the seconds it took, and the CPU seconds of this process."""

    tokens: int
    seconds: float
    cpu: float

    @property
    def rate(self) -> float:
        """Tokens per second."""
        return self.tokens / self.seconds

    @property
    def cost(self) -> float:
        """CPU milliseconds per token, which other load hardly changes."""
        return 1000 * self.cpu / self.tokens


@contextmanager
def clock() -> Generator[Callable[[int], Measure]]:
    """Starts both clocks; the function it gives turns a count of tokens into a `Measure`."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield lambda tokens: Measure(tokens, time.perf_counter() - wall, time.process_time() - cpu)


def batch(round_: int) -> list[ChatRequest]:
    """Eight samples of one question, as a `generate` node would ask for them."""
    question = Messages.user(QUESTIONS[round_ % len(QUESTIONS)])
    return [
        ChatRequest(question, temperature=0.8, max_tokens=TOKENS, seed=100 * round_ + sample)
        for sample in range(SAMPLES)
    ]


def bare_server(settings: Settings) -> Any:
    """A native server of its own, configured exactly as graphdsl configures its own."""
    native: Any = importlib.import_module("xllamacpp")
    return native.Server(parameters(settings, key="bench"))


async def through_graphdsl(backend: EmbeddedBackend, requests: list[ChatRequest]) -> Measure:
    """The batch through the backend."""
    with clock() as measured:
        replies = await asyncio.gather(*(backend.chat(request) for request in requests))
        return measured(sum(reply.usage.completion_tokens for reply in replies))


STREAMING_ONLY = ("stream", "stream_options", "return_progress", "timings_per_token", "verbose")


def bare(native: Any, requests: list[ChatRequest]) -> Measure:
    """The batch straight to xllamacpp: one thread per sample, no streaming."""

    def one(request: ChatRequest) -> int:
        body = chat_body(request, None)
        for streaming_only in STREAMING_ONLY:
            del body[streaming_only]
        return int(native.handle_chat_completions(body)["usage"]["completion_tokens"])

    with clock() as measured, ThreadPoolExecutor(len(requests)) as pool:
        return measured(sum(pool.map(one, requests)))


async def measure(options: argparse.Namespace) -> list[tuple[Measure, Measure]]:
    """(graphdsl, bare) per round, in turns; a warm-up round is dropped."""
    threads = options.threads or default_threads()
    block = {"slots": SAMPLES, "threads": threads}
    backend = await EmbeddedBackend.open(ModelSpec("bench", "embedded", options.model, block))
    native = bare_server(Settings(pull(options.model), SAMPLES, CONTEXT, threads))
    rounds: list[tuple[Measure, Measure]] = []
    for round_ in range(options.rounds + 1):
        requests = batch(round_)
        ours = await through_graphdsl(backend, requests)
        rounds.append((ours, await asyncio.to_thread(bare, native, requests)))
    await backend.aclose()
    return rounds[1:]


def main() -> int:
    """Measure, print the table, and judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--model", default="smollm2-135m")
    rounds = asyncio.run(measure(parser.parse_args()))
    print("round  tokens  bare tok/s  graphdsl tok/s  ratio  bare CPU ms/tok  graphdsl CPU ms/tok")
    for number, (ours, theirs) in enumerate(rounds, 1):
        print(
            f"{number:>5} {ours.tokens:>7} {theirs.rate:>11.1f} {ours.rate:>15.1f} "
            f"{ours.rate / theirs.rate:>6.3f} {theirs.cost:>16.2f} {ours.cost:>20.2f}"
        )
    ratio = median(ours.rate / theirs.rate for ours, theirs in rounds)
    cpu = median(ours.cost / theirs.cost for ours, theirs in rounds)
    verdict = "ok" if ratio >= BAR else "BELOW THE BAR"
    print(f"median ratio {ratio:.3f} (bar {BAR}): {verdict}; CPU per token x {cpu:.3f}")
    return 0 if ratio >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())

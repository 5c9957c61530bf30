"""What the order of calls is worth: prompt tokens read, time, and how long runs take.

    python benchmarks/scheduling.py [--runs 64] [--model smollm2-135m] [--skip-model]

First part, in virtual time (so the figures are exact, and the same everywhere): concurrent runs of
one flow (4 drafts of a question with a long context of its own, 4 better ones, an answer) on the
simulated engine with 8 slots that each know their last prompt (llama.cpp) and with shared blocks
(vLLM). `first come` is a queue in the order of arrival where every run begins at once; `ours` is
what the engine does; `only order` and `only gate` are its parts. All give the same answers, which
is checked.

Second part, on the real embedded engine: 8 questions with one long beginning, 4 samples of each.
`llama.cpp` is the bare server, a call for each sample; `n = 4` is the same with a call for each
question; `ours` is the backend. `cpu` is the time of this process, which other load changes least.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import mean, quantiles
from typing import Any, Final

from graphdsl.api.module import load as load_program
from graphdsl.executors.abc import ChatRequest
from graphdsl.executors.admission import Admission
from graphdsl.executors.backend_pool import Backends
from graphdsl.executors.catalogue import pull
from graphdsl.executors.embedded import CONTEXT, EmbeddedBackend
from graphdsl.executors.engine import execute
from graphdsl.executors.llama_request import chat_body
from graphdsl.executors.llama_server import LlamaServer, Settings, load
from graphdsl.executors.run_gate import RunGate
from graphdsl.executors.run_options import RunOptions
from graphdsl.plan import ModelSpec, Program
from graphdsl.testing.virtual_time import run_virtually
from graphdsl.values import Message, Messages, Usage, as_text

SLOTS: Final = 8
SAMPLES: Final = 4
ENGINES: Final = {
    "slots": "cache = slots",
    "blocks": "cache = blocks  cache_block = 16  cache_tokens = 12_000",
}
POLICIES: Final = {
    "first come": (False, False),
    "only order": (True, False),
    "only gate": (False, True),
    "ours": (True, True),
}
"""Whether calls are ordered, and whether runs wait for room."""

SHOTS: Final = "\n\n".join(
    f"Question: A farmer has {a} hens and buys {b} more; a neighbour gives away {c} ducks. How "
    f"many hens does the farmer have now?\nThink: The farmer starts with {a} hens. Buying {b} more "
    f"makes {a} + {b} = {a + b}. The ducks do not matter.\nAnswer: {a + b}"
    for a, b, c in ((3, 4, 2), (7, 6, 1), (12, 5, 9), (21, 2, 3), (8, 8, 4), (5, 16, 2), (9, 3, 7))
)


# ---- the simulated engine


class Open(RunGate):
    """A gate that lets everybody in."""

    async def enter(self, models: tuple[ModelSpec, ...]) -> None:
        """At once."""
        self.active += 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """All runs of one policy: their answers, seconds since they were submitted, and usage."""

    answers: list[str]
    latencies: list[float]
    usage: Usage
    seconds: float


def flow(engine: str) -> Program:
    """Drafts, better ones, and an answer, on a simulated engine."""
    text = f"""edition "2026"
model m {{
  backend = simulated  {ENGINES[engine]}
  slots = {SLOTS}  prefill = 2000  decode = 40  tokens = 60  context = 100_000
}}
prompt solve(context: Text, question: Text) {{
  system "You are careful.\\n\\n{{{{ context }}}}"
  user "{{{{ question }}}}"
}}
prompt go_on(context: Text, question: Text, before: List[Draft]) {{
  system "You are careful. {{{{ context }}}}"
  user "{{{{ question }}}} So far: {{% for one in before %}}{{{{ one }}}} {{% endfor %}}"
}}
flow main(context: Text, question: Text) -> Draft {{
  drafts = generate(solve(context: context, question: question), models: m, samples: {SAMPLES})
  better = generate(
    go_on(context: context, question: question, before: drafts),
    models: m,
    samples: {SAMPLES},
  )
  return first(
    generate(go_on(context: context, question: question, before: better), models: m),
  )
}}
"""
    return load_program(text).flow("main").plan()


def given(number: int) -> dict[str, Any]:
    """The inputs of a run: every one has a context of its own."""
    context = "\n".join(f"Fact {line} of case {number}: it is so." for line in range(120))
    return {"context": context, "question": f"What is {number % 9} + {number % 7}?"}


async def serve(program: Program, runs: int, *, ordered: bool, gated: bool) -> Outcome:
    """So many runs, all submitted at once."""
    loop = asyncio.get_running_loop()
    begin = loop.time()
    async with Backends() as backends:
        (model,) = program.models.values()
        lane = await backends.get(model)
        if not ordered:
            lane.served.admission = Admission(SLOTS, patience=1)
        if not gated:
            backends.gate = Open(lambda _: None, lambda _model: False)

        async def one(number: int) -> tuple[str, float, Usage]:
            options = RunOptions(seed=number, trace=False)
            result = await execute(program, given(number), backends=backends, options=options)
            return as_text(result.value), loop.time() - begin, result.usage

        found = await asyncio.gather(*[one(number) for number in range(runs)])
    answers, latencies, usages = zip(*found, strict=True)
    return Outcome(list(answers), list(latencies), sum(usages, Usage()), loop.time() - begin)


def show_simulated(runs: int) -> None:
    """A table for each engine. Raises `AssertionError` where an order changes an answer."""
    print(f"{runs} runs at once, {SLOTS} places, virtual seconds\n")
    print(f"{'engine':<8}{'policy':<12}{'prompt':>9}{'read':>9}{'wall':>8}{'mean':>8}{'p95':>8}")
    for engine in ENGINES:
        program = flow(engine)
        answers: list[str] = []
        for policy, (ordered, gated) in POLICIES.items():
            work = serve(program, runs, ordered=ordered, gated=gated)
            found, _ = run_virtually(work)
            assert answers in ([], found.answers), "an order changed an answer"
            answers = found.answers
            usage, times = found.usage, found.latencies
            print(
                f"{engine:<8}{policy:<12}{usage.prompt_tokens:>9}"
                f"{usage.prompt_tokens - usage.cached_tokens:>9}{found.seconds:>8.1f}"
                f"{mean(times):>8.1f}{quantiles(times, n=20)[-1]:>8.1f}"
            )


# ---- the real engine


@dataclass(frozen=True, slots=True)
class Real:
    """Prompt tokens of all samples, those of them that were read, and the seconds it took."""

    prompt: int
    read: int
    wall: float
    cpu: float


def requests(tokens: int) -> list[list[ChatRequest]]:
    """The samples of each question."""
    pairs = ((3, 9), (12, 4), (5, 5), (7, 1), (30, 2), (6, 14), (8, 3), (2, 2))
    system = Message("system", f"You are careful. Worked examples follow.\n\n{SHOTS}")
    texts = [f"Question: A baker has {a} loaves and bakes {b} more. How many?" for a, b in pairs]
    return [
        [
            ChatRequest(
                Messages((system, Message("user", text))),
                temperature=0.8,
                max_tokens=tokens,
                seed=100 * number + sample,
            )
            for sample in range(SAMPLES)
        ]
        for number, text in enumerate(texts)
    ]


def bare(server: LlamaServer, bodies: list[dict[str, Any]], workers: int) -> tuple[int, int]:
    """Bodies straight to the server, first come, first served; prompt and cached tokens."""

    def one(body: dict[str, Any]) -> tuple[int, int]:
        usage: dict[str, Any] = {}

        def chunk(found: dict[str, Any]) -> bool:
            usage.update(found.get("usage") or {})
            return False

        server.chat(body, chunk)
        return usage["prompt_tokens"], usage["prompt_tokens_details"]["cached_tokens"]

    with ThreadPoolExecutor(workers) as pool:
        found = list(pool.map(one, bodies))
    return sum(prompt for prompt, _ in found), sum(cached for _, cached in found)


async def separately(model: str, threads: int, tokens: int) -> Callable[[], Any]:
    """The bare server, a call for each sample."""
    server = load(Settings(pull(model), SLOTS, CONTEXT, threads), model)
    bodies = [chat_body(one, None) for each in requests(tokens) for one in each]
    return lambda: asyncio.to_thread(bare, server, bodies, SLOTS)


async def together(model: str, threads: int, tokens: int) -> Callable[[], Any]:
    """The bare server, a call for each question."""
    server = load(Settings(pull(model), SLOTS, CONTEXT, threads), model)
    bodies = [chat_body(each[0], None) | {"n": SAMPLES} for each in requests(tokens)]
    return lambda: asyncio.to_thread(bare, server, bodies, SLOTS // SAMPLES)


async def ours(model: str, threads: int, tokens: int) -> Callable[[], Any]:
    """The backend, a call for each sample."""
    block = {"slots": SLOTS, "threads": threads}
    backend = await EmbeddedBackend.open(ModelSpec("m", "embedded", model, block))

    async def work() -> tuple[int, int]:
        calls = [backend.chat(one) for each in requests(tokens) for one in each]
        usage = sum([reply.usage for reply in await asyncio.gather(*calls)], Usage())
        await backend.aclose()
        return usage.prompt_tokens, usage.cached_tokens

    return work


CONTENDERS: Final[dict[str, Callable[[str, int, int], Coroutine[Any, Any, Callable[[], Any]]]]] = {
    "llama.cpp": separately,
    "n = 4": together,
    "ours": ours,
}


async def measure(name: str, model: str, threads: int, tokens: int) -> Real:
    """One contender on a server of its own, which has read nothing yet."""
    work = await CONTENDERS[name](model, threads, tokens)
    wall, cpu = time.perf_counter(), time.process_time()
    prompt, cached = await work()
    return Real(prompt, prompt - cached, time.perf_counter() - wall, time.process_time() - cpu)


def show_real(model: str, threads: int, tokens: int) -> None:
    """The table of the embedded engine."""
    print(f"\n8 questions x {SAMPLES} samples of {tokens} tokens on {model}, {threads} threads\n")
    print(f"{'':<12}{'prompt':>9}{'read':>9}{'wall s':>8}{'cpu s':>8}")
    for name in CONTENDERS:
        found = asyncio.run(measure(name, model, threads, tokens))
        print(f"{name:<12}{found.prompt:>9}{found.read:>9}{found.wall:>8.1f}{found.cpu:>8.1f}")


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=64)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--skip-model", action="store_true")
    options = parser.parse_args()
    show_simulated(options.runs)
    if not options.skip_model:
        show_real(options.model, options.threads, options.tokens)


if __name__ == "__main__":
    main()

"""Threads that the writer of a draft opens: they run side by side, and are joined into its text.

`append_full` is ThreadWeaver (arXiv 2512.07843): a thread sees the whole text so far, and all that
it writes stays in the text. `results_only` is APR (arXiv 2504.15466): a thread sees nothing but its
own task, and its result takes the place of the list. Threads open none themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from graphdsl.errors import InputError
from graphdsl.ops.begun import begun, summed
from graphdsl.ops.candidates import question_text
from graphdsl.ops.context import Args, Ask, Context
from graphdsl.ops.convert import to_messages
from graphdsl.ops.limits import joined
from graphdsl.ops.roles import with_answer
from graphdsl.ops.spawn_blocks import closing, result_of, results_block, threads_block
from graphdsl.ops.spawn_tasks import Task, read_tasks
from graphdsl.ops.templates import render
from graphdsl.ops.together import together
from graphdsl.values import Draft, Finish, Messages, Usage, Value

TEMPERATURE: Final = 0.6
"""Where neither the call nor the model's block says one (ThreadWeaver)."""

_ENDS: Final = {
    Finish.LENGTH: "was cut off at `child_tokens`",
    Finish.ERROR: "failed",
    Finish.CANCELLED: "was cancelled",
}


async def spawn_join(context: Context, args: Args) -> Value:
    """One draft: all that was written and joined, its usage that of the writer and all threads.

    It goes on until the writer ends by itself, is cut off, or fails; what there is by then is the
    text, and the writer's newest part says how it ended. After the last round the writer has no
    stop string, so that it comes to an end. Where a list cannot be read `append_full` goes on
    without threads (the round is spent), and `results_only` ends with what there is. What was cut
    off, failed, or left out stands in the trace. Nothing opens a list where `open` or `close` is
    empty. Raises `InputError` where both are the same text.
    """
    if (opens := args["open"]) and opens == args["close"]:
        raise InputError(f"`open` and `close` of `spawn_join` must differ, both are `{opens}`")
    work = _Work(context, args, to_messages(args["prompt"]))
    join = _replaced if args.get("join") == "results_only" else _appended
    rounds = int(args.get("rounds") or 0) if args["open"] and args["close"] else 0
    for number in range(1, rounds + 1):
        stopped = await work.write(_stops(args)) is Finish.STOP_SEQ
        if not stopped or not await join(work, number):
            return work.draft()
    await work.write(())
    return work.draft()


def _stops(args: Args) -> tuple[str, ...]:
    """Where the writer stops: at the end of a list, and before results of its own invention."""
    results = args.get("results") if args.get("join") == "results_only" else None
    return (args["close"], results) if results else (args["close"],)


@dataclass(slots=True)
class _Work:
    """A draft on its way. What stands in `text` before `since` is joined.

    `drawn` are all samples, `written` those of them whose whole text stands in `text`.
    """

    context: Context
    args: Args
    prompt: Messages
    text: str = ""
    since: int = 0
    calls: int = 0
    drawn: list[Draft] = field(default_factory=list[Draft])
    written: list[Draft] = field(default_factory=list[Draft])

    async def write(self, stop: tuple[str, ...]) -> Finish:
        """Have the writer go on with the text."""
        ask = self.ask(begun(self.prompt, self.text), self.args.get("max_tokens"), stop)
        (part,) = await self.draw([ask])
        self.written.append(part)
        self.add(part.text)
        return part.finish

    def ask(self, messages: Messages, max_tokens: int | None, stop: tuple[str, ...] = ()) -> Ask:
        """The next sample; they are numbered in the order in which they are asked for."""
        model, given = self.args["by"], self.args.get("temperature")
        temperature = float(model.setting("temperature", TEMPERATURE) if given is None else given)
        number, self.calls = self.calls, self.calls + 1
        return Ask(model, messages, number, 0, temperature, max_tokens, stop)

    async def draw(self, asks: Iterable[Ask]) -> list[Draft]:
        """Samples side by side."""
        found = await together([self.context.sample(ask) for ask in asks])
        self.drawn += found
        return found

    def add(self, text: str) -> None:
        """Put a text at the end. Raises `PromptError` when the whole grows too long."""
        self.text = joined((self.text, text), "")

    def listed(self) -> int | None:
        """Where in the text the newest list begins; None where none was opened."""
        at = self.text.rfind(self.args["open"], self.since)
        return None if at < 0 else at

    def draft(self) -> Draft:
        """What there is; its newest part is the writer's."""
        last = self.written[-1]
        known = [part.logprobs for part in self.written if part.text or part.logprobs]
        return with_answer(
            Draft(
                self.text,
                finish=last.finish,
                usage=sum((part.usage for part in self.drawn), Usage()),
                model=last.model,
                sample=last.sample,
                seed=last.seed,
                logprobs=summed(known),
                error=last.error,
                prompt=self.prompt,
                temperature=last.temperature,
            )
        )


async def _appended(work: _Work, number: int) -> bool:
    """Run the threads of the list at the text's end, and put all of them after it."""
    opens, at = work.args["thread"], work.listed()
    tasks = () if at is None else _tasks(work, number, at)
    work.add(work.args["close"])
    if tasks:
        heads = [f"{opens}\n{task.label}:" for task in tasks]
        prompts = [begun(work.prompt, f"{work.text}\n{head}") for head in heads]
        threads = await _threads(work, number, tasks, prompts, (closing(opens),))
        work.written += threads
        work.add(threads_block(heads, threads, closing(opens), work.args.get("end")))
    else:
        work.context.note(f"round {number}: no list of threads could be read; none was opened")
    work.since = len(work.text)
    return True


async def _replaced(work: _Work, number: int) -> bool:
    """Run the threads of the list at the text's end, and put their results in its place.

    False where there is no list to read. A writer that stopped without opening one was about to
    write results: then a list is opened instead (APR's own rule).
    """
    opens, at = work.args["open"], work.listed()
    if at is None:
        work.context.note(f"round {number}: results nobody was asked for; `open` takes their place")
        work.add(opens)
        return True
    tasks = _tasks(work, number, at)
    if not tasks:
        work.context.note(f"round {number}: no list of threads could be read; the text ends here")
        work.add(work.args["close"])
        return False
    question, role = question_text(work.prompt), work.args["child"]
    prompts = [render(role, {"question": question, "task": task.text}) for task in tasks]
    threads = await _threads(work, number, tasks, prompts)
    results = [result_of(thread) for thread in threads]
    work.text = work.text[:at]
    work.add(results_block(tasks, results, work.args["results"], work.args.get("end")))
    work.since = len(work.text)
    return True


def _tasks(work: _Work, number: int, at: int) -> Sequence[Task]:
    """The threads of the list that begins there, as many as may run."""
    tasks, most = read_tasks(work.text[at + len(work.args["open"]) :]), int(work.args["children"])
    if len(tasks) > most:
        work.context.note(f"round {number}: the first {most} of {len(tasks)} threads are opened")
    return tasks[:most]


async def _threads(
    work: _Work,
    number: int,
    tasks: Sequence[Task],
    prompts: Sequence[Messages],
    stop: tuple[str, ...] = (),
) -> list[Draft]:
    """What the threads write, in order; how one came to no good end stands in the trace."""
    most, stop = work.args.get("child_tokens"), tuple(text for text in stop if text)
    threads = await work.draw([work.ask(prompt, most, stop) for prompt in prompts])
    for task, thread in zip(tasks, threads, strict=True):
        if thread.finish in _ENDS:
            error = f": {thread.error}" if thread.error else ""
            told = f"round {number}: thread {task.label} {_ENDS[thread.finish]}{error}"
            work.context.note(told)
    return threads

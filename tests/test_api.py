"""The Python interface: loading, choosing, running from tasks, threads and forks."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import graphdsl
from graphdsl.api.runtime import runtime

TEXT = """edition "2026"

model sim { backend = simulated  accuracy = 0.9  seed = 3 }
model slow { backend = simulated  latency = 600 }

flow sums(question: Text) -> Answer {
  drafts = generate(question, models: sim, samples: 5 in [1, 3, 5])
  winner = vote(drafts, by: number)
  return winner
}

flow never(question: Text) -> Text {
  drafts = generate(question, models: slow, samples: 3)
  only = first(drafts)
  return only
}

flow awkward(budget: Text, seed: Number) -> Text {
  return budget
}
"""
ASK = "What is 2 + 2?"


@pytest.fixture
def module() -> graphdsl.Module:
    return graphdsl.load(TEXT)


@pytest.fixture
def sums(module: graphdsl.Module) -> graphdsl.Flow:
    return module.flow("sums")


# ---- loading


def test_a_text_and_a_file_load_alike(tmp_path: Path) -> None:
    path = tmp_path / "x.tts"
    path.write_text(TEXT)
    loaded = [graphdsl.load(given) for given in (TEXT, path, str(path))]
    assert {module.flows for module in loaded} == {("sums", "never", "awkward")}


def test_warnings_are_kept(module: graphdsl.Module) -> None:
    assert [one.message for one in module.diagnostics] == ["parameter `seed` is never used"]


def test_a_wrong_program_raises_with_every_diagnostic() -> None:
    with pytest.raises(graphdsl.CompileError) as caught:
        graphdsl.load(TEXT.replace("vote(", "vot(").replace("first(", "firs("))
    assert len(caught.value.diagnostics) == 2
    assert "vote" in "".join(caught.value.__notes__)
    assert "^" in caught.value.__notes__[0]


def test_a_missing_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "reason.tts").write_text(TEXT)
    with pytest.raises(graphdsl.InputError, match=r"did you mean `.*reason\.tts`"):
        graphdsl.load(tmp_path / "raeson.tts")


def test_a_program_with_one_flow_needs_no_name() -> None:
    flow = graphdsl.load('edition "2026"\nflow f(x: Text) -> Text { return x }').flow()
    assert flow.run_sync(x="hello").value == "hello"


def test_a_program_with_many_flows_needs_one(module: graphdsl.Module) -> None:
    with pytest.raises(graphdsl.InputError, match="`sums`, `never`, `awkward`"):
        module.flow()
    with pytest.raises(graphdsl.InputError, match="did you mean `sums`"):
        module.flow("sum")


# ---- what a flow says about itself


def test_a_flow_knows_inputs_cost_and_plan(sums: graphdsl.Flow) -> None:
    assert [one.name for one in sums.inputs] == ["question"]
    assert sums.signature == "sums(question: Text) -> Answer"
    assert sums.cost().calls.high == 5
    assert sums.plan().flow == "sums"
    assert sums.graph.closed
    assert not sums.open_graph.closed


def test_pins_make_another_flow(sums: graphdsl.Flow) -> None:
    pinned = sums.with_({"sums.drafts.samples": 3})
    assert (pinned.cost().calls.high, sums.cost().calls.high) == (3, 5)
    assert pinned.run_sync(question=ASK).usage.calls == 3


def test_a_wrong_pin_is_reported_where_it_is_set(sums: graphdsl.Flow) -> None:
    with pytest.raises(graphdsl.CompileError):
        sums.with_({"sums.drafts.samples": 4})


def test_models_can_be_replaced(module: graphdsl.Module) -> None:
    flow = module.flow("never").with_models({"slow": "simulated"})
    assert flow.run_sync(question=ASK).status == "ok"
    with pytest.raises(graphdsl.InputError, match="did you mean `slow`"):
        flow.with_models({"slw": "simulated"})


# ---- running


async def test_run_gives_value_confidence_usage_and_trace(sums: graphdsl.Flow) -> None:
    result = await sums.run(question=ASK)
    assert (result.value, result.status, result.usage.calls) == ("4", "ok", 5)
    assert result.confidence is not None
    assert result.trace is not None


async def test_run_sync_works_inside_a_running_loop(sums: graphdsl.Flow) -> None:
    assert sums.run_sync(question=ASK).value == "4"


def test_run_sync_works_outside_of_any_loop(sums: graphdsl.Flow) -> None:
    assert sums.run_sync(question=ASK).value == "4"


def test_parameters_may_be_called_like_options(module: graphdsl.Module) -> None:
    flow = module.flow("awkward")
    assert flow.run_sync({"budget": "large", "seed": 3}, seed=1).value == "large"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "needs `question: Text`"),
        ({"qestion": "x"}, "did you mean `question`"),
        ({"question": 3}, "must be a `Text`"),
    ],
)
def test_wrong_inputs_name_the_parameters(
    inputs: dict[str, object], said: str, sums: graphdsl.Flow
) -> None:
    with pytest.raises(graphdsl.InputError, match=said) as caught:
        sums.run_sync(inputs)
    assert sums.signature in str(caught.value)


async def test_many_tasks_share_the_models(sums: graphdsl.Flow) -> None:
    results = await asyncio.gather(*(sums.run(question=f"What is {i} + 1?") for i in range(50)))
    assert [result.value for result in results] == [str(i + 1) for i in range(50)]


def test_many_threads_with_their_own_loops_share_the_models(sums: graphdsl.Flow) -> None:
    def ask(i: int) -> str:
        return asyncio.run(sums.run(question=f"What is {i} + 1?")).value

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [str(i + 1) for i in range(40)]


async def test_a_budget_gives_a_partial_result(sums: graphdsl.Flow) -> None:
    result = await sums.run(question=ASK, budget=graphdsl.Budget(calls=2))
    assert (result.status, result.usage.calls) == ("exhausted", 2)


async def test_cancelling_the_task_stops_the_run(module: graphdsl.Module) -> None:
    flow = module.flow("never")
    before = await _background_tasks()
    task = asyncio.create_task(flow.run(question=ASK))
    while await _background_tasks() <= before:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    while await _background_tasks() > before:
        await asyncio.sleep(0)


async def _background_tasks() -> int:
    """Tasks on the loop that owns the models, this question aside."""

    async def count(_backends: object) -> int:
        return len(asyncio.all_tasks()) - 1

    return await asyncio.wrap_future(runtime().submit(count))


def test_run_sync_inside_a_run_is_refused(sums: graphdsl.Flow) -> None:
    async def nested(_backends: object) -> None:
        sums.run_sync(question=ASK)

    with pytest.raises(RuntimeError, match="from inside a run"):
        runtime().submit(nested).result()


def test_models_open_again_after_shutdown(sums: graphdsl.Flow) -> None:
    sums.run_sync(question=ASK)
    graphdsl.shutdown()
    graphdsl.shutdown()
    assert sums.run_sync(question=ASK).value == "4"


def _fresh(code: str) -> subprocess.CompletedProcess[str]:
    """Run code after `flow = …` in a fresh interpreter."""
    head = f"import graphdsl\nmodule = graphdsl.load('''{TEXT}''')\n"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", head + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_interpreter_leaves_while_runs_are_in_flight() -> None:
    done = _fresh("""
        future = module.flow("never").start({"question": "x"})
        print(module.flow("sums").run_sync(question="What is 2 + 2?").value)
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n", "")


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")
def test_a_forked_child_opens_its_own_models() -> None:
    done = _fresh("""
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads, on purpose
        flow = module.flow("sums")
        assert flow.run_sync(question="What is 2 + 2?").value == "4"
        child = os.fork()
        if not child:
            os._exit(0 if flow.run_sync(question="What is 2 + 2?").value == "4" else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """)
    assert (done.returncode, done.stdout) == (0, "0\n"), done.stderr


def test_ctrl_c_stops_a_waiting_run() -> None:
    done = _fresh("""
        import os, signal, threading
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            module.flow("never").run_sync(question="x")
        except KeyboardInterrupt:
            print("stopped")
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


# ---- what is refused, and in which words


def test_a_program_without_text_is_refused() -> None:
    with pytest.raises(graphdsl.InputError, match="there is no program"):
        graphdsl.load("")


@pytest.mark.parametrize(
    "limits", [{"calls": "3"}, {"calls": float("nan")}, {"calls": -1}, {"calls": 1.5}]
)
def test_a_budget_of_nonsense_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(graphdsl.InputError, match="the limit `calls` must be a whole number"):
        graphdsl.Budget(**limits)


def test_a_bool_is_no_limit() -> None:
    with pytest.raises(graphdsl.InputError, match="`seconds` must be a number"):
        graphdsl.Budget(seconds=True)


def test_what_is_no_budget_and_no_seed_is_refused(sums: graphdsl.Flow) -> None:
    wrong: Any = {"calls": 3}
    with pytest.raises(graphdsl.InputError, match=r"`budget` must be a `graphdsl\.Budget`"):
        sums.run_sync(question=ASK, budget=wrong)
    wrong = "3"
    with pytest.raises(graphdsl.InputError, match="`seed` must be a whole number"):
        sums.run_sync(question=ASK, seed=wrong)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (10**400, "`seed` is too large a number"),
        (None, "`seed` must be a `Number`, not nothing"),
        ("3", "`seed` must be a `Number`, not the text `3`"),
        (True, "`seed` must be a `Number`, not true"),
    ],
)
def test_wrong_values_are_named_in_plain_words(
    value: object, said: str, module: graphdsl.Module
) -> None:
    with pytest.raises(graphdsl.InputError) as caught:
        module.flow("awkward").run_sync({"budget": "x", "seed": value})
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("text", ["a\ud800", "\udcff"])
def test_half_a_character_is_refused(text: str, sums: graphdsl.Flow) -> None:
    with pytest.raises(graphdsl.InputError, match="lone surrogate"):
        sums.run_sync(question=text)


def test_a_parameter_fixed_at_compile_time_names_its_hole() -> None:
    text = TEXT.replace("sums(question: Text)", "sums(question: Text, n: Number = 3 in 1..5)")
    flow = graphdsl.load(text.replace("samples: 5 in [1, 3, 5]", "samples: n")).flow("sums")
    with pytest.raises(graphdsl.InputError, match=r"fixed at compile time.*sums\.n"):
        flow.run_sync(question=ASK, n=2)
    assert flow.with_({"sums.n": 2}).run_sync(question=ASK).usage.calls == 2


def test_pins_that_are_wrong_name_their_file(sums: graphdsl.Flow, tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    path.write_text('{"sums.nothing": 3}')
    with pytest.raises(graphdsl.CompileError, match=r"pins\.json: there is no hole"):
        sums.with_(path)


def test_flows_can_be_keys(sums: graphdsl.Flow) -> None:
    assert {sums: 1, sums.with_({"sums.drafts.samples": 3}): 3}[sums] == 1


def test_cost_bounds_what_really_runs() -> None:
    text = TEXT.replace("  winner =", "  _idle = generate(question, models: sim)\n  winner =")
    flow = graphdsl.load(text).flow("sums")
    calls = flow.cost().calls
    assert (calls.low, calls.high) == (5, 5)
    assert flow.run_sync(question=ASK).usage.calls == 5


# ---- why there is no answer


def test_a_failed_run_says_why() -> None:
    text = TEXT.replace("accuracy = 0.9", "accuracy = 0.9  max_tokens = 1")
    result = graphdsl.load(text).flow("sums").run_sync(question=ASK)
    assert result.status == "failed"
    assert result.error == "no sample gave an answer: 5 of 5 were cut off at `max_tokens`"
    assert result.to_dict()["error"] == result.error


def test_a_run_with_an_answer_has_no_error(sums: graphdsl.Flow) -> None:
    assert sums.run_sync(question=ASK).error is None


# ---- the end of a process


def test_a_thread_may_finish_its_runs_when_the_main_thread_ends() -> None:
    done = _fresh("""
        import threading
        text = '''edition "2026"
        model sim { backend = simulated  latency = 0.3 }
        flow f(q: Text) -> Draft { return first(generate(q, models: sim)) }
        '''
        flow = graphdsl.load(text).flow()
        begun = threading.Event()
        def work():
            for _ in range(2):
                print(flow.run_sync(q="What is 1 + 1?").status, flush=True)
                begun.set()
        threading.Thread(target=work).start()
        begun.wait()
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\nok\n", "")


def test_a_thread_may_begin_its_first_run_when_the_main_thread_has_ended() -> None:
    done = _fresh("""
        import threading, time
        text = '''edition "2026"
        model sim { backend = simulated }
        flow f(q: Text) -> Draft { return first(generate(q, models: sim)) }
        '''
        flow = graphdsl.load(text).flow()
        def work():
            time.sleep(0.3)
            print(flow.run_sync(q="What is 1 + 1?").status, flush=True)
        threading.Thread(target=work).start()
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


def test_a_pool_may_finish_its_runs_when_the_main_thread_ends() -> None:
    done = _fresh("""
        from concurrent.futures import ThreadPoolExecutor
        flow = module.flow("sums")
        pool = ThreadPoolExecutor(1)
        for _ in range(3):
            pool.submit(lambda: print(flow.run_sync(question="What is 2 + 2?").value, flush=True))
    """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "4\n4\n4\n", "")


def test_shutdown_tells_those_who_wait(module: graphdsl.Module) -> None:
    future = module.flow("never").start({"question": ASK})
    graphdsl.shutdown()
    with pytest.raises(graphdsl.GraphDslError, match="shut down while this ran"):
        future.result(30)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"session": 3}, "`session` must be a `graphdsl.Session`"),
        ({"journal": True}, "`journal` must be a path"),
        ({"record": 3}, "`record` must be a path"),
        ({"split": 5}, "`split` must be the name"),
        ({"sandbox": "nonsense"}, "there is no sandbox `nonsense`"),
        ({"cache": 5}, "cache"),
    ],
)
def test_an_option_of_a_wrong_kind_says_what_it_must_be(
    module: graphdsl.Module, given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(graphdsl.InputError, match=reason):
        module.flow("sums").run_sync(question="What is 1 + 1?", **given)


def test_inputs_by_position_or_given_twice_say_how_to_give_them(module: graphdsl.Module) -> None:
    flow = module.flow("sums")
    with pytest.raises(graphdsl.InputError, match="inputs go by name"):
        flow.run_sync("What is 1 + 1?")  # pyright: ignore[reportArgumentType]
    with pytest.raises(graphdsl.InputError, match="given twice"):
        flow.run_sync({"question": "a"}, question="b")


@pytest.mark.parametrize("given", [None, b"x", 3])
def test_what_is_no_path_and_no_text_is_no_program(given: Any) -> None:
    with pytest.raises(graphdsl.InputError, match="a path, or from its text"):
        graphdsl.load(given)


def test_a_session_of_a_wrong_kind_says_what_it_must_be() -> None:
    with pytest.raises(graphdsl.InputError, match="a session needs a"):
        graphdsl.Session(5)  # pyright: ignore[reportArgumentType]
    with pytest.raises(graphdsl.InputError, match="`within` must be another"):
        graphdsl.Session(graphdsl.Budget(), within=3)  # pyright: ignore[reportArgumentType]


def test_too_few_complete_drafts_are_the_reason_also_of_an_answer() -> None:
    text = """edition "2026"
model sim { backend = simulated  failures = 1.0  attempts = 1 }
flow f(question: Text) -> Answer {
  return vote(generate(question, models: sim, samples: 3), by: number, min_success: 2)
}
"""
    result = graphdsl.load(text).flow().run_sync(question="What is 1 + 1?")
    assert result.status == "failed"
    assert str(result.error).startswith("0 of 3 drafts are complete, 2 are needed")

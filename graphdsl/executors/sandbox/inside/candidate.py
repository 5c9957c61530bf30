"""The process that runs the code: as a program, as functions to call, or as checks of functions.

Whatever stands here shares its process with that code and can be changed by it. So nothing is
decided here: replies are data, and whoever reads them knows that they may be made up.
"""

from __future__ import annotations

import builtins
import marshal
import os
import sys
from contextlib import suppress
from types import ModuleType

from graphdsl.executors.sandbox.inside.frames import ASKED, piece, read_piece, write_all
from graphdsl.executors.sandbox.inside.json_text import json_text
from graphdsl.executors.sandbox.inside.plain import Malformed, Opaque, decode, encode, encode_all
from graphdsl.executors.sandbox.inside.typed import TYPE_CHECKING, cast
from graphdsl.ops.shown import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final, NoReturn

    Reply = Callable[[dict[str, Any]], None]

_FILE: Final = "<code>"
_CHECKS: Final = "<checks>"
_EXCERPT: Final = 500


def run(work: dict[str, Any], requests: int, replies: int) -> NoReturn:
    """Do the work and end the process. `requests` and `replies` are descriptors of pipes."""

    def reply(said: dict[str, Any]) -> None:
        write_all(replies, piece(ASKED, json_text(said).encode()))

    def ask(said: dict[str, Any]) -> dict[str, Any] | None:
        reply(said)
        return _next(requests)

    try:
        match work["as"]:
            case "program":
                status = _program(work["source"], reply)
            case "functions":
                status = _functions(work["source"], requests, reply)
            case _:
                status = _checks(work, reply, ask)
    except MemoryError:
        status = 1
        reply({"memory": True})
    _leave(status)


def _next(requests: int) -> dict[str, Any] | None:
    received = read_piece(requests)
    return None if received is None else marshal.loads(received[2])


def _program(source: str, reply: Reply) -> int:
    """The exit status that Python itself would have."""
    try:
        _execute(source, "__main__", _FILE)
    except SystemExit as error:
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    except BaseException as error:
        reply(_told(error))
        _print(error)
        return 1
    return 0


def _functions(source: str, requests: int, reply: Reply) -> int:
    """Loads the code, says so, then answers calls until nobody asks any more."""
    try:
        module = _execute(source, "candidate", _FILE)
    except BaseException as error:
        reply(_told(error))
        _print(error)
        return 1
    reply({"loaded": True})
    while (request := _next(requests)) is not None:
        reply(_called(module, request))
    return 0


def _called(module: ModuleType, request: dict[str, Any]) -> dict[str, Any]:
    name = request["call"]
    function: Any = module.__dict__.get(name)
    if not callable(function):
        return {"raised": ["NameError", f"the code has no function `{name}`"]}
    arguments, named = decode(request["arguments"]), decode(request["named"])
    before: object = request["arguments"]
    try:
        value = encode(function(*arguments, **named))
    except BaseException as error:
        return _told(error)
    said: dict[str, Any] = {"value": value}
    after = [encode(argument) for argument in arguments]
    if after != before:
        said["arguments"] = after
    return said


def _execute(source: str, name: str, file: str) -> ModuleType:
    module = ModuleType(name)
    module.__dict__["__builtins__"] = builtins
    sys.modules[name] = module
    exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)
    return module


def _told(error: BaseException) -> dict[str, Any]:
    if isinstance(error, MemoryError):
        return {"memory": True}
    return {"raised": [type(error).__name__, _text(error)]}


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_EXCERPT]
    except Exception:
        return ""


def _print(error: BaseException) -> None:
    """The traceback, without the lines of this file."""
    import traceback

    with suppress(Exception):
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename not in (_FILE, _CHECKS):
            trace = trace.tb_next
        traceback.print_exception(type(error), error, trace)


def _leave(status: int) -> NoReturn:
    """End as Python does: other threads, functions registered for the end, what is buffered."""
    with suppress(BaseException):
        threading: Any = sys.modules.get("threading")
        if threading is not None:
            threading._shutdown()
    with suppress(BaseException):
        import atexit

        cast("Any", atexit)._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(BaseException):
            stream.flush()
    os._exit(status)


# ---- checks: a program whose calls of the candidate's functions are answered from elsewhere


class _Unsupported(BaseException):
    """What goes to the candidate, or came back from it, is no plain data."""


def _checks(work: dict[str, Any], reply: Reply, ask: Callable[..., Any]) -> int:
    """Run the checks; each that is evaluated says how it went."""
    last: list[str] = []

    def stand_in(name: str) -> Callable[..., Any]:
        def function(*arguments: Any, **named: Any) -> Any:
            last[:] = ["nothing came back"]
            answer = ask(_asked(name, arguments, named, work["limits"]["value"]))
            if answer is None:
                os._exit(0)
            return _answered(answer, arguments, last)

        return function

    def check(number: int, test: Callable[[], Any]) -> None:
        last.clear()
        try:
            passed, why = bool(test()), ""
        except _Unsupported as error:
            reply({"check": number, "passed": None, "why": str(error), "got": ""})
            return
        except Exception as error:
            passed, why = False, f"{type(error).__name__}: {_text(error)}"
        got = last[0] if last else ""
        reply({"check": number, "passed": passed, "why": why, "got": got})

    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    space: dict[str, Any] = module.__dict__
    space.update({called: stand_in(name) for called, name in work["names"].items()})
    space["__check__"] = check
    try:
        exec(compile(work["source"], _CHECKS, "exec", dont_inherit=True), space)
    except _Unsupported as error:
        reply({"ended": f"unsupported: {error}"})
    except BaseException as error:
        reply({"ended": f"{type(error).__name__}: {_text(error)}"})
    else:
        reply({"ended": None})
    return 0


def _asked(
    name: str, arguments: tuple[Any, ...], named: dict[str, Any], most: int
) -> dict[str, Any]:
    """A call as data. Raises `_Unsupported` for arguments that cannot be sent."""
    encoded, why = encode_all((*arguments, named))
    if why:
        raise _Unsupported(why)
    asked = {"call": name, "arguments": encoded[:-1], "named": encoded[-1]}
    if len(json_text(asked)) > most:
        raise _Unsupported("the arguments are larger than can be sent")
    return asked


def _answered(answer: dict[str, Any], arguments: tuple[Any, ...], last: list[str]) -> Any:
    """The value of a call, or its exception under a built-in name."""
    if "raised" in answer:
        kind, text = answer["raised"]
        last[:] = [f"{kind}: {text}" if text else kind]
        found: Any = getattr(builtins, kind, None)
        known = isinstance(found, type) and issubclass(found, Exception)
        if known and not issubclass(found, StopIteration | StopAsyncIteration):
            raise _made(cast("type[Exception]", found), text)
        raise RuntimeError(last[0])  # those two would end a loop of the checks unnoticed
    try:
        value = decode(answer["value"])
    except Malformed as error:
        raise _Unsupported(str(error)) from None
    last[:] = [shown(value)[:_EXCERPT]]
    if isinstance(value, Opaque):
        raise _Unsupported(f"a `{value.kind}` came back, {value.why}")
    for argument, data in zip(arguments, answer.get("arguments") or (), strict=False):
        _refill(argument, decode(data))
    return value


def _made(kind: type[Exception], text: str) -> Exception:
    """An exception of the built-in type; some want more than a text."""
    try:
        return kind(text)
    except TypeError:
        return RuntimeError(f"{kind.__name__}: {text}")


def _refill(argument: Any, changed: Any) -> None:
    """A call may change a list, dict or set that it was given."""
    if isinstance(argument, list | bytearray) and isinstance(changed, list | bytearray):
        cast("list[Any]", argument)[:] = cast("list[Any]", changed)
    elif isinstance(argument, dict | set) and isinstance(changed, dict | set):
        container = cast("dict[Any, Any]", argument)
        container.clear()
        container.update(cast("dict[Any, Any]", changed))

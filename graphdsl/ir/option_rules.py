"""What makes the value of one option right, in a model block and in `--model` texts alike."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from graphdsl.hidden import SECRET_PARAMETER, looks_like_key
from graphdsl.ir.backends import BackendKind, Option

ARTICLES: Final = {
    "number": "a number",
    "int": "a whole number",
    "text": "a text",
    "bool": "`true` or `false`",
    "texts": "a list of texts",
    "word": "a word",
    "place": 'a text, or `env("NAME")`',
    "places": 'a text, `env("NAME")`, or a list of these',
    "secret": '`env("NAME")` with the name of an environment variable',
    "models": "a list of models",
}
"""What an option of each kind may be, as it continues `must be`."""

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_HOST: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\])(:\d+)?(/[\x21-\x7e]*)?")
_NAMED: Final = re.compile(r"^[^/]*[.:\]]")
_NEAR: Final = re.compile(r"(localhost|\d+(\.\d+){3}|\[.*\]|[^.]+)(:|/|$)")
_VERSION: Final = re.compile(r"[A-Za-z0-9.-]{1,32}")
_OPERATIONS: Final = ("/chat/completions", "/completions", "/embeddings", "/models")

LAUNCHED: Final = (
    "dtype",
    "gpu_memory",
    "tensor_parallel",
    "enforce_eager",
    "startup_timeout",
    "arguments",
)
"""Options of an engine that is started here, which a server that runs already has decided."""


def is_variable(name: str) -> bool:
    """True for what can be the name of an environment variable, and does not look like a key.

    >>> is_variable("MY_KEY"), is_variable("my-key"), is_variable("")
    (True, False, False)
    """
    return _VARIABLE.fullmatch(name) is not None and not looks_like_key(name)


def out_of_range(option: Option, value: float) -> str:
    """What a number must be instead, as it continues `must be`; empty when it is right.

    >>> out_of_range(Option("temperature", "number", "", 0, 5), 9)
    'from 0 to 5'
    """
    low = option.low is not None and value < option.low
    high = option.high is not None and value > option.high
    if not low and not high:
        return ""
    if option.high is None:
        return f"at least {option.low:g}"
    return f"from {_number(option.low or 0)} to {_number(option.high)}"


def _number(number: float) -> str:
    return f"{int(number):_}" if float(number).is_integer() else f"{number:g}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an address cannot be used, and how to mend it.

    `reason` continues the name of the option, and repeats nothing of the address. `better` is the
    whole address as it may have been meant, where that is known. `secret` tells that it holds a
    key or a password.
    """

    reason: str
    help: str
    better: str | None = None
    secret: bool = False


def address_problem(text: str) -> Problem | None:
    """What is wrong with an address as a `base_url`; None where nothing is.

    >>> address_problem("localhost:8000/v1").better
    'http://localhost:8000/v1'
    """
    scheme = _SCHEME.match(text)
    if scheme is None:
        return _without_scheme(text)
    if scheme[1].lower() not in ("http", "https"):
        return Problem("must begin with `http://` or `https://`", _EXAMPLE)
    try:
        url = urlsplit(text)
        host, _port = url.hostname, url.port
    except ValueError:
        return Problem("is not an address", _EXAMPLE)
    if "@" in url.netloc or _has_key(url.query) or looks_like_key(text):
        return Problem("holds a key or a password", _SECRET_HELP, secret=True)
    if not host or not text.isprintable() or " " in text:
        return Problem("has no host" if not host else "is not an address", _EXAMPLE)
    if "#" in text or not _is_version(url.query):
        return Problem(_MORE, _WHOLE_HELP)
    return _operation(text, url.path.rstrip("/"))


_EXAMPLE: Final = 'write it as `"http://127.0.0.1:8000/v1"` or `"https://host/v1"`'
_SECRET_HELP: Final = 'leave it out of the address, and add `api_key = env("MY_KEY")`'

_MORE: Final = "has more parameters than `api-version`, and these may be keys"
_WHOLE_HELP: Final = (
    'keep the whole address in an environment variable, and write `base_url = env("MY_SERVER")`'
)


def _without_scheme(text: str) -> Problem:
    """`localhost:8000/v1`, or no address at all."""
    if "@" in text or looks_like_key(text):
        return Problem("holds a key or a password", _SECRET_HELP, secret=True)
    if not _HOST.fullmatch(text) or not (_NAMED.search(text) or text.startswith("localhost")):
        return Problem("is not an address", _EXAMPLE)
    if "?" in text or "#" in text:
        return Problem("must begin with `http://` or `https://`", _EXAMPLE)
    better = f"{'http' if _NEAR.match(text) else 'https'}://{text}"
    return Problem("must begin with `http://` or `https://`", f"write `{better}`", better)


def _operation(text: str, path: str) -> Problem | None:
    """An address of one operation, such as `…/v1/chat/completions`."""
    ending = next((end for end in _OPERATIONS if path.endswith(end)), None)
    if ending is None:
        return None
    before, mark, query = text.partition("?")
    better = before.rstrip("/").removesuffix(ending) + mark + query
    return Problem("names one operation of the endpoint", f"end it before `{ending}`", better)


def _is_version(query: str) -> bool:
    """True where nothing but a version of the interface is given."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return all(name == "api-version" and _VERSION.fullmatch(value) for name, value in pairs)


def _has_key(query: str) -> bool:
    pairs = parse_qsl(query, keep_blank_values=True)
    return any(SECRET_PARAMETER.fullmatch(name) or looks_like_key(value) for name, value in pairs)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Options that do not go together: which one is wrong (or missing), why, what to do.

    `reason` begins with the option; `better` is the value that `other` should have, if any.
    """

    option: str
    reason: str
    help: str
    missing: bool = False
    other: str = ""
    better: str = ""


def conflict(kind: BackendKind, given: Collection[str], run: Any) -> Conflict | None:
    """The first conflict among the options of a model on an engine that may be started here.

    `given` are the names of its options, `run` is the value of that option where there is one.
    """
    if kind.option("run") is None or kind.option("base_url") is None:
        return None
    attached = run == "attach" or (run is None and "base_url" in given)
    if run == "attach" and "base_url" not in given:
        reason = "`base_url` is missing: `run = attach` needs the address of the server"
        return Conflict("base_url", reason, f"add `{_ATTACHED}`, or leave `run` away", missing=True)
    if run is not None and not attached and "base_url" in given:
        what = "starts a server of its own" if run == "server" else "has no server"
        reason = f"`base_url` means nothing with `run = {run}`, which {what}"
        help_ = "leave `base_url` away, or write `run = attach`"
        return Conflict("base_url", reason, help_, other="run", better="attach")
    if not attached:
        return None
    launched = next((name for name in LAUNCHED if name in given), None)
    if launched is None:
        return None
    reason = f"`{launched}` is for an engine that is started here, but this server runs already"
    return Conflict(launched, reason, f"leave `{launched}` away, or `base_url`")


_ATTACHED: Final = 'base_url = "http://127.0.0.1:8000/v1"'

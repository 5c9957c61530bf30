"""What litellm raises, as one of our errors.

litellm has classes for what providers answer, but gives what it does not know the class of a
server's error (500) or of a lost connection. So the reply of the provider decides, where there
was one; else what broke the connection; only then litellm's class.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from graphdsl.errors import (
    BackendError,
    BrokenReply,
    CallTimeout,
    ContentFiltered,
    ContextOverflow,
    Unreachable,
)
from graphdsl.executors.http_errors import Site, refusal, reported
from graphdsl.executors.http_page import page_words
from graphdsl.executors.refused_settings import advice, without_drop_advice

_TLS: Final = frozenset({"ClientSSLError", "SSLError", "CertificateError"})
_UNREACHED: Final = frozenset(
    {"ConnectError", "ConnectTimeout", "ClientConnectorError", "ConnectionTimeoutError"}
    | {"ProxyError", "ConnectionRefusedError", "gaierror"}
)
_LATE: Final = frozenset({"TimeoutException", "APITimeoutError", "TimeoutError"})
_LOST: Final = frozenset(
    {"NetworkError", "ProtocolError", "ClientPayloadError", "ServerDisconnectedError"}
    | {"ClientOSError", "ConnectionError"}
)
_GARBLED: Final = frozenset(
    {"JSONDecodeError", "UnicodeDecodeError", "ValidationError", "APIResponseValidationError"}
    | {"PydanticSerializationError", "UserWarning"}
)
"""Classes of httpx, aiohttp, openai, pydantic and Python: what happened to the connection, or to
the reply. By name, so that nothing of it has to be imported here."""

_STUMBLED: Final = frozenset({"AttributeError", "KeyError", "IndexError", "TypeError"})
"""litellm's own mistakes, which it makes over requests and, more often, over odd replies."""

_GARBLED_WORDS: Final = ("Empty or invalid response", "Invalid response object")

_STATUS_OF: Final = {
    "AuthenticationError": 401,
    "PermissionDeniedError": 403,
    "NotFoundError": 404,
    "RateLimitError": 429,
    "ServiceUnavailableError": 503,
    "BadGatewayError": 502,
    "InternalServerError": 500,
    "UnprocessableEntityError": 422,
    "BadRequestError": 400,
}
"""What a class of litellm stands for, where there is no reply to ask."""

_LABELS: Final = re.compile(r"^(?:(?:litellm\.)?\w*(?:Error|Exception)\s*[:-]\s*)+")
_TRACE: Final = re.compile(r"\s*Traceback \(most recent call last\).*", re.DOTALL)
_NO_KEY: Final = re.compile(
    r"missing credentials|missing .*api.?key|api.?key .*(?:must|not) be? ?set", re.I
)


def translated(error: BaseException, site: Site) -> BackendError:
    """The error for what litellm raised: kind, words without secrets, and what to do."""
    chain = tuple(_chain(error))
    names = frozenset(kind.__name__ for one in chain for kind in type(one).__mro__)
    found = (
        _answered(error, chain, site) or _broken(error, names, site) or _told(error, names, site)
    )
    if "ContextWindowExceededError" in names and not isinstance(found, ContextOverflow):
        return ContextOverflow(str(found), model=site.model, prompt_tokens=0, limit=0)
    if "ContentPolicyViolationError" in names and not isinstance(found, ContentFiltered):
        return ContentFiltered(
            f"{site.who} refused the content: {_said(error, site)}", model=site.model
        )
    return found


def unsent(error: BaseException) -> bool:
    """Whether litellm refused a request by itself, so that no provider has seen it."""
    return type(error).__name__ == "UnsupportedParamsError"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, what caused it, and so on."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _answered(
    error: BaseException, chain: tuple[BaseException, ...], site: Site
) -> BackendError | None:
    """The error for a reply with a status that is no success, if there was a reply."""
    for one in chain:
        if type(one).__name__ == "HTTPStatusError":
            response: Any = vars(one).get("response")
            return refusal(site, response.status_code, response.headers, _body(response, error))
    return None


def _body(response: Any, error: BaseException) -> bytes:
    """What the provider wrote; what litellm made of it, where that was not kept."""
    try:
        return response.content
    except RuntimeError:  # a stream that nobody has read
        return _words(error).encode("utf-8", "replace")


def _broken(error: BaseException, names: frozenset[str], site: Site) -> BackendError | None:
    """The error for a connection or a reply that failed; None where neither did."""
    if names & _TLS:
        return Unreachable(
            f"{site.who} has no certificate that this machine trusts; `SSL_CERT_FILE` names a "
            f"file of authorities: {_said(error, site)}",
            model=site.model,
            retryable=False,
        )
    if names & _UNREACHED:
        return Unreachable(
            f"{site.who} cannot be reached; is it running, and is the address right?",
            model=site.model,
        )
    if names & _LATE:
        return CallTimeout(f"{site.who} gave no reply in time", model=site.model)
    if names & _LOST:
        return BrokenReply(
            f"the connection to {site.who} ended before its reply did", model=site.model
        )
    if names & _GARBLED or any(word in str(error) for word in _GARBLED_WORDS):
        return BrokenReply(f"litellm cannot read the reply of {site.who}", model=site.model)
    return None


def _told(error: BaseException, names: frozenset[str], site: Site) -> BackendError:
    """The error for what litellm says itself, without having asked the provider."""
    kind, words = type(error).__name__, _words(error)
    if unsent(error):
        change = "change them in its model block or where it is called"
        return BackendError(
            f"{site.who} does not take these settings: {site.clean(words)}; "
            f"{advice(words, limits=site.names_limit) or change}",
            model=site.model,
        )
    status = 401 if _NO_KEY.search(words) else _STATUS_OF.get(kind)
    if status is None:
        return BackendError(
            f"litellm could not call {site.who}: {site.clean(words) or kind}",
            model=site.model,
            uncertain=bool(names & _STUMBLED),
        )
    headers: Any = getattr(getattr(error, "response", None), "headers", None)
    return reported(site, {"message": words, "code": str(status)}, headers)


def _said(error: BaseException, site: Site) -> str:
    return site.clean(_words(error))


def _words(error: BaseException) -> str:
    """The message without litellm's own labels and advice, a traceback, and the tags of a page."""
    text = str(getattr(error, "message", None) or error)
    return page_words(without_drop_advice(_LABELS.sub("", _TRACE.sub("", text))).strip())

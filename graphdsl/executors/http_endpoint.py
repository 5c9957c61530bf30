"""One server behind one pool of connections.

No retries, no redirects, no cookies, and no timeout once a connection is made: how long a call may
take is the engine's to say. Whatever goes wrong comes out as one of our errors.
"""

from __future__ import annotations

import asyncio
import errno
import io
import os
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from graphdsl.errors import BackendError, BrokenReply, Unreachable
from graphdsl.executors.http_address import Address
from graphdsl.executors.http_errors import Site, refusal
from graphdsl.executors.openai_reply import parsed, unreadable
from graphdsl.executors.secret import Secret
from graphdsl.executors.sse import EventDecoder

CONNECT: Final = 10.0
"""Seconds for making a connection."""

IDLE: Final = 4.0
"""Seconds that a connection is kept for the next call: less than the 5 after which uvicorn, which
serves vLLM and many others, closes it, so that no call runs into a closing door."""

REPLY_LIMIT: Final = 64 * 2**20
"""Bytes that one reply may have, once unpacked."""

LINGER: Final = 0.5
"""Seconds to wait for the end of a stream after its last event, so that the connection can serve
the next call; without it the connection is closed."""

_DONE: Final = b"[DONE]"

_PLAIN_BODY: Final = 2**20
"""Larger bodies are sent piece by piece, so that they do not hold up the loop."""

_TLS: Final = (
    aiohttp.ClientConnectorCertificateError,
    aiohttp.ClientSSLError,
    aiohttp.ServerFingerprintMismatch,
    ssl.SSLError,
)
_NOT_CONNECTED: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
)
_BROKEN: Final = (aiohttp.ClientError, OSError)


class HttpEndpoint:
    """A server and the connections to it; `site` is what messages say about it.

    `ceiling` is how many calls may run at the same time. Make it where a loop runs.
    """

    __slots__ = ("_address", "_limit", "_session", "_urls", "site")

    def __init__(
        self,
        address: Address,
        site: Site,
        *,
        ceiling: int,
        key: Secret | None = None,
        reply_limit: int = REPLY_LIMIT,
    ) -> None:
        self.site = site
        self._address = address
        self._limit = reply_limit
        self._urls: dict[str, URL] = {}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=ceiling, keepalive_timeout=IDLE),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_headers(address, key),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT),
            proxy=_proxy(address.base),
        )

    async def post(self, path: str, body: bytes, key: str = "") -> dict[str, Any]:
        """The JSON object that the server answers with.

        `path` is as in `Address.url`; `key` names the call, the same in all its attempts. Raises
        `BackendError` and its kinds. Cancelling the task closes the connection.
        """
        response = await self._send("POST", path, body, key)
        return parsed(await self._read(response), self.site)

    async def stream(self, path: str, body: bytes, key: str = "") -> AsyncGenerator[bytes]:
        """The events that the server answers with, up to `[DONE]`; close it to stop the server.

        Raises `BackendError` and its kinds; a stream that just ends is the reader's to judge.
        """
        response = await self._send("POST", path, body, key)
        try:
            if response.content_type == "application/json":
                yield await self._whole(response)  # a server that does not stream
                return
            decoder = EventDecoder()
            size = 0
            async for chunk in response.content.iter_any():
                size += len(chunk)
                self._check_size(size)
                for event in decoder.feed(chunk):
                    if event == _DONE:
                        await _drain(response.content)
                        return
                    yield event
        except ValueError as error:
            raise unreadable(self.site, f"is no stream: {error}") from None
        except _BROKEN as error:
            raise self._failure(error) from None
        finally:
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    async def get(self, path: str) -> bytes:
        """What the server answers to a GET, as it is. Raises `BackendError` and its kinds."""
        return await self._read(await self._send("GET", path))

    async def aclose(self) -> None:
        """Close the connections; calls that use them fail."""
        await self._session.close()

    async def _send(
        self, method: str, path: str, body: bytes | None = None, key: str = ""
    ) -> aiohttp.ClientResponse:
        """A response with a good status; its body is still to be read."""
        url = self._urls.get(path) or self._urls.setdefault(path, self._address.url(path))
        data = body if body is None or len(body) < _PLAIN_BODY else io.BytesIO(body)
        try:
            response = await self._session.request(
                method, url, data=data, headers=_call_headers(key), allow_redirects=False
            )
        except _BROKEN as error:
            raise self._failure(error) from None
        if response.status == HTTPStatus.OK:
            return response
        try:
            said = await self._read(response)
        except BrokenReply:
            said = b""  # the status says enough
        if response.status < HTTPStatus.MULTIPLE_CHOICES:
            raise unreadable(self.site, f"has the status {response.status}")
        raise refusal(self.site, response.status, response.headers, said)

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The whole body; the connection is free for others afterwards, or closed."""
        try:
            body = await self._whole(response)
        except _BROKEN as error:
            response.close()
            raise self._failure(error) from None
        except BaseException:
            response.close()
            raise
        response.release()
        return body

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        content = response.content
        body = await content.readany()
        if content.at_eof():
            return body
        chunks, size = [body], len(body)
        while not content.at_eof():
            chunk = await content.readany()
            chunks.append(chunk)
            size += len(chunk)
            self._check_size(size)
        return b"".join(chunks)

    def _check_size(self, size: int) -> None:
        if size > self._limit:
            raise BackendError(
                f"the reply of {self.site.who} has more than {self._limit / 2**20:g} MiB",
                model=self.site.model,
                uncertain=True,
            )

    def _failure(self, error: Exception) -> BackendError:
        """A failure of the connection; the parts of it that may hold an address are left out."""
        site, why = self.site, self.site.clean(_reason(error))
        if isinstance(error, _TLS):
            return Unreachable(
                f"{site.who} offers no connection that can be trusted; check the certificate "
                "(`SSL_CERT_FILE` names a file of authorities), and whether `base_url` should "
                f"begin with `http://`: {why}",
                model=site.model,
                retryable=False,
            )
        if isinstance(error, _NOT_CONNECTED):
            return Unreachable(
                f"{site.who} cannot be reached: {why}; is the server running, and `base_url` "
                "right?",
                model=site.model,
            )
        return BrokenReply(f"{site.who} broke off: {why}", model=site.model)


async def _drain(content: aiohttp.StreamReader) -> None:
    """Read what follows the last event, mostly nothing; failures no longer matter."""
    with suppress(*_BROKEN):
        async with asyncio.timeout(LINGER):
            while not content.at_eof():
                await content.readany()


def _reason(error: Exception) -> str:
    """Why a connection failed, in words that hold no address."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return str(error.certificate_error)
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return f"no connection within {CONNECT:g} s"
    if isinstance(error, aiohttp.ClientConnectorError):
        found = error.os_error
        return _system_words(found) or type(found).__name__
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"the proxy answered {error.status}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the server closed the connection"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the reply ended early"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the reply is not HTTP"
    return _system_words(error) or type(error).__name__


def _system_words(error: Exception) -> str:
    """What the operating system says about an error, if it does."""
    if not isinstance(error, OSError):
        return ""
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files; lower `max_in_flight` or raise `ulimit -n`"
    if error.errno and error.errno > 0 and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno).lower()
    return error.strerror or str(error)


def _headers(address: Address, key: Secret | None) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.reveal()}"
    elif address.login is not None:
        headers["Authorization"] = address.login.reveal()
    return headers


def _call_headers(key: str) -> Mapping[str, str] | None:
    """Names the call; servers and gateways that know these headers do it only once."""
    if not key:
        return None
    name = key if key.isascii() and key.isprintable() else quote(key, safe="/")
    return {"Idempotency-Key": name, "X-Request-Id": name}


def _proxy(url: URL) -> str | None:
    """The proxy that the environment names for an address; none for this machine."""
    host = url.host or ""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    return getproxies().get(url.scheme)

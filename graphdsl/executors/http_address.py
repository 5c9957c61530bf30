"""An address that can be shown: credentials and query are sent, and never appear in a message."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from typing import Final

from yarl import URL

from graphdsl.errors import ModelNotFound
from graphdsl.executors.secret import Secret

_VERSION: Final = "v1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an endpoint is. `host` is all that messages show: `host:port`.

    `base` ends with `/v1` or what the user wrote instead, `root` is the same without `/v1`;
    neither holds credentials. `login` is the value of an `Authorization` header, where the address
    had a user; `secrets` is everything in the address that nobody should read.
    """

    host: str
    base: URL = field(repr=False)
    root: URL = field(repr=False)
    login: Secret | None = None
    secrets: tuple[Secret, ...] = ()

    def url(self, path: str) -> URL:
        """`path` under `base`; under `root` where it begins with a slash."""
        start = self.root if path.startswith("/") else self.base
        whole = start.joinpath(*path.strip("/").split("/"))
        return whole.with_query(start.query_string) if start.query_string else whole


def parse_address(text: str, model: str, variable: str | None = None) -> Address:
    """An `http` or `https` URL, to which `/v1` is added where it has no path.

    `variable` is the environment variable that it came from. Raises `ModelNotFound`, which does
    not repeat the text: it may hold a password.
    """
    try:
        url = URL(text.strip())
        host, port = url.host, url.explicit_port
    except ValueError:
        url, host, port = URL(), None, None
    if url.scheme not in ("http", "https") or not host:
        where = f"the `base_url` of model `{model}`"
        if variable is not None:
            where = f"`{variable}`, from which model `{model}` takes its address,"
        raise ModelNotFound(
            f"{where} is not an address; write it as `http://host:port/v1` or `https://host/v1`",
            model=model,
        )
    bare = url.with_user(None).with_fragment(None)
    if bare.path in ("", "/"):
        bare = bare.with_path(f"/{_VERSION}", keep_query=True)
    login = _login(url)
    hidden = [url.password or "", *url.query.values()]
    shown = f"[{host}]" if ":" in host else host
    return Address(
        shown if port is None else f"{shown}:{port}",
        bare,
        _root(bare),
        login,
        tuple(Secret(value) for value in hidden if value) + _parts(login),
    )


def _parts(login: Secret | None) -> tuple[Secret, ...]:
    """A login as it is sent, and without the word before it."""
    if login is None:
        return ()
    return login, Secret(login.reveal().partition(" ")[2])


def _root(base: URL) -> URL:
    parts = base.path.rstrip("/").split("/")
    if parts[-1] != _VERSION:
        return base
    return base.with_path("/".join(parts[:-1]) or "/", keep_query=True)


def _login(url: URL) -> Secret | None:
    if url.user is None:
        return None
    pair = f"{url.user}:{url.password or ''}".encode()
    return Secret("Basic " + b64encode(pair).decode())

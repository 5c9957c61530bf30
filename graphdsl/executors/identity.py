"""Names of what answers, for the cache: equal only where one answer may stand for the other.

A name is never shown or stored; a cache keeps a digest of it. Still there is no credential in it:
of an address it has neither the user nor what looks like a key, and of the rest of the query only
a digest.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from graphdsl.executors.abc import Capabilities
from graphdsl.executors.http_address import parse_address
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.ir.entities import ModelSpec

_SHAPING: Final = (
    "seeds",
    "logprobs",
    "stop_strings",
    "prefix_continuation",
    "structured",
    "context_tokens",
)
"""Capabilities that decide what of a request is sent, and so what comes back."""

_CREDENTIAL: Final = re.compile(
    r"(?:^|_)(?:api|access|auth|account|client|shared|subscription|x)?"
    r"(?:key|token|secret|pass|passwd|password|passphrase|pwd|auth|authorization|bearer|jwt|"
    r"credentials?|creds?|sig|signature)(?:_id)?\d*$|^code$"
)
"""Names in a query, in lower case and with `_` between words, whose values let somebody in; another
one leads to the same model."""

_BOUNDARY: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")
"""Where a word in a name ends: `apiKey`, `api-key`, `api.key`."""

_ELSEWHERE: Final = re.compile(
    r"(^|_)(API_(BASE|URL|HOST|TYPE|VERSION)(_\w+)?|BASE_URL|ENDPOINT(_URL)?|REGION|REGION_NAME|"
    r"LOCATION|(ACCOUNT|ORG|PROJECT|SPACE|TENANT|WORKSPACE)_ID|ORGANIZATION|PROJECT|"
    r"(GATEWAY|PROXY|WATSONX|WML|WX)_URL)$|(?<!_SERVICE)_HOST$"
)
"""Variables that send calls through litellm to another place, or to another account's models: as
its sources name them."""


def identity(kind: str, **facts: Any) -> str:
    """A name from facts, in an order of its own."""
    return json.dumps({"kind": kind, **facts}, sort_keys=True, separators=(",", ":"))


def shaping(able: Capabilities) -> dict[str, Any]:
    """The capabilities that decide what is sent."""
    return {name: getattr(able, name) for name in _SHAPING}


def endpoint_identity(
    spec: ModelSpec, urls: Sequence[str], able: Capabilities, dialect: Dialect, **facts: Any
) -> str:
    """The name of a model at an endpoint, or at several that are replicas of each other.

    What an endpoint serves under a name can change; `revision` in the model block says so.
    """
    return identity(
        spec.backend,
        model=spec.model,
        places=sorted({_place(url, spec.name) for url in urls}),
        revision=spec.options.get("revision"),
        limit_name=dialect.limit_name,
        reasoning_effort=dialect.reasoning_effort,
        able=shaping(able),
        **facts,
    )


def surroundings() -> str:
    """A digest of the variables by which litellm finds its way to a provider."""
    found = {name: value for name, value in os.environ.items() if _ELSEWHERE.search(name)}
    return _digest(found) if found else ""


def package_version(*names: str) -> str | None:
    """The version of the first of these packages that is installed."""
    for name in names:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def _place(url: str, model: str) -> str:
    base = parse_address(url, model).base
    query = {name: value for name, value in base.query.items() if not _lets_in(name)}
    bare = str(base.with_query(None)).rstrip("/")
    return f"{bare}?{_digest(query)}" if query else bare


def _lets_in(name: str) -> bool:
    return _CREDENTIAL.search(_BOUNDARY.sub("_", name).lower()) is not None


def _digest(found: Mapping[str, str]) -> str:
    text = json.dumps(sorted(found.items()))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

"""Where litellm is to call, with which key, and what must never be shown of either."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from graphdsl.errors import BackendError
from graphdsl.executors.http_address import Address, parse_address
from graphdsl.executors.http_endpoint import CONNECT
from graphdsl.executors.http_errors import Site
from graphdsl.executors.litellm_model import LitellmModel
from graphdsl.executors.litellm_request import NO_RETRIES
from graphdsl.executors.openai_options import api_key, base_urls, usual_url
from graphdsl.executors.secret import Secret
from graphdsl.plan import ModelSpec

_SECRET_NAME: Final = re.compile(r"(KEY|KEYS|TOKEN|SECRET|PASSWORD|CREDENTIALS?)$", re.IGNORECASE)
_SHORTEST: Final = 8
"""Characters: shorter values of such variables are words, not keys."""

_NEVER: Final = 86_400.0
"""Seconds: how long a call may take is the engine's to say, but litellm wants a number."""

_NO_KEY: Final = "none"
"""Sent to an address of the block's own where it names no key: a key from the environment belongs
to the provider, and must not go elsewhere."""


@dataclass(frozen=True, slots=True)
class Access:
    """The address and the key of a model block; None where the provider's usual ones count."""

    address: Address | None
    base: str | None
    key: Secret | None
    key_name: str | None

    def arguments(self, model: LitellmModel) -> dict[str, Any]:
        """What each call into litellm gets, beside the request."""
        found: dict[str, Any] = {"timeout": _timeout(), "caching": False, **NO_RETRIES}
        if (base := self._base(model)) is not None:
            found["api_base"] = base
        if (key := self._key(model)) is not None:
            found["api_key"] = key
        return found

    def text_client(self, model: LitellmModel) -> Any | None:
        """A client for texts without a chat, to be closed; None where litellm makes a good one.

        For servers with the OpenAI interface it would make a new one for each call, and not close
        it. Raises what the package `openai` does where there is no key.
        """
        if not model.manners.openai_like:
            return None
        return import_module("openai").AsyncOpenAI(
            api_key=self._key(model),
            base_url=self._base(model),
            timeout=_timeout(),
            max_retries=0,
        )

    def site(self, model: LitellmModel) -> Site:
        """What messages about this model say and hide."""
        own = (*(self.address.secrets if self.address else ()), *((self.key,) if self.key else ()))
        key_name = self.key_name or (None if self._key(model) else _usual_key(model))
        secrets = (*own, *_ambient())
        return Site(model.name, model.sent, model.host, key_name, secrets, names_limit=False)

    def _base(self, model: LitellmModel) -> str | None:
        """The address in the form that litellm wants for this provider."""
        address = self.address
        if address is None or address.login is not None:
            return self.base
        if model.manners.openai_like:
            return str(address.base)
        return str(address.root) if model.manners.rooted else self.base

    def _key(self, model: LitellmModel) -> str | None:
        if self.key is not None:
            return self.key.reveal()
        return _NO_KEY if model.manners.openai_like and self.address is not None else None


def access_of(spec: ModelSpec) -> Access:
    """What the block says.

    Raises `AccessDenied` for a key that is not set, `ModelNotFound` for an address that is not
    set or none, and `BackendError`.
    """
    urls = base_urls(spec) if "base_url" in spec.options else ()
    if len(urls) > 1:
        raise BackendError(
            f"model `{spec.name}` has several addresses, and litellm takes one `base_url`; use "
            "`backend = openai` for replicas, or `round_robin` over several models",
            model=spec.name,
        )
    if not urls:
        usual_url(spec)  # litellm reads the variable itself, and stumbles over what is no address
    key, key_name = api_key(spec) if "api_key" in spec.options else (None, None)
    base = urls[0].strip() if urls else None
    return Access(None if base is None else parse_address(base, spec.name), base, key, key_name)


def _timeout() -> Any:
    return import_module("httpx").Timeout(_NEVER, connect=CONNECT)


def _usual_key(model: LitellmModel) -> str | None:
    """The variable that litellm takes the key from, if it is known."""
    guess = f"{model.provider.replace('-', '_')}_API_KEY".upper()
    return next(iter(model.keys), guess if guess in os.environ else None)


def _ambient() -> tuple[Secret, ...]:
    """The keys in the environment, which litellm finds by itself."""
    return tuple(
        Secret(value)
        for name, value in os.environ.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST
    )

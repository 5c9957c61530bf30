"""What litellm knows about a model: who serves it, which parameters it takes, what it can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphdsl.errors import BackendError, ModelNotFound
from graphdsl.executors.abc import Capabilities
from graphdsl.executors.http_address import Address
from graphdsl.executors.openai_dialect import Dialect
from graphdsl.ir.backends import declared_capabilities
from graphdsl.ir.usual_address import ELSEWHERE
from graphdsl.plan import ModelSpec

CEILING: Final = 256
"""Calls at the same time, where the model block does not say how many."""

_PARAMETERS: Final = {
    "seeds": "seed",
    "logprobs": "logprobs",
    "structured": "response_format",
    "label_scores": "top_logprobs",
}
"""What a capability is called among the parameters of litellm."""

_BEYOND: Final = frozenset({"text_scores", "relevance_scores"})
"""What cannot be asked for through litellm, whatever the model can do."""

_OPENAI_LIKE: Final = frozenset(
    {"openai", "custom_openai", "openai_like", "text-completion-openai", "hosted_vllm", "vllm"}
    | {"llamafile", "lm_studio", "litellm_proxy"}
)
"""Providers that are any server with the OpenAI interface, at the address that the block gives."""

_PLAIN_PREFIX: Final = frozenset({"anthropic", "vertex_ai"})
"""Providers that continue a trailing assistant message as it is; where the message is marked,
litellm would put it before the reply."""

_REPEATED_PREFIX: Final = frozenset({"mistral", "codestral"})
"""Providers whose replies begin with the message that they continue."""

_ROOTED: Final = frozenset({"anthropic"})
"""Providers to whose address litellm adds `/v1` itself."""

_STOPS: Final = 4
"""Stop strings that litellm sends at most; it drops the rest without a word."""


_DEFECT: Final = "GetLLMProvider Exception"
"""How litellm's message begins where looking a name up failed, rather than found nothing."""


@dataclass(frozen=True, slots=True)
class Manners:
    """How a provider differs from others, as far as litellm does not hide it.

    `openai_like`: any server with the OpenAI interface. `marks_prefix`: a message to be continued
    needs a mark. `repeats_prefix`: a reply begins with the message that it continues. `rooted`:
    its address ends before `/v1`.
    """

    openai_like: bool
    marks_prefix: bool
    repeats_prefix: bool
    rooted: bool

    @staticmethod
    def of(provider: str) -> Manners:
        """Those of the provider of that name."""
        return Manners(
            provider in _OPENAI_LIKE,
            provider not in _OPENAI_LIKE | _PLAIN_PREFIX,
            provider in _REPEATED_PREFIX,
            provider in _ROOTED,
        )


@dataclass(frozen=True, slots=True)
class LitellmModel:
    """A model as litellm sees it.

    `name` is the declared name, `sent` the whole `provider/model`. `host` is where it is called:
    `host:port` where the block has an address, else the provider. `elsewhere` says that this is
    not the provider's own address, so that nobody knows the price there. `keys` are the
    environment variables in which litellm looks for a key and finds none. `temperature` says that
    it can be set. `unlisted` are parameters that the block vouches for, though litellm does not
    list them.
    """

    name: str
    sent: str
    provider: str
    host: str
    elsewhere: bool
    keys: tuple[str, ...]
    manners: Manners
    temperature: bool
    unlisted: tuple[str, ...]
    dialect: Dialect
    capabilities: Capabilities


def known_model(litellm: Any, spec: ModelSpec, address: Address | None) -> LitellmModel:
    """Look a model block up; blocks for some providers, so call it on a thread.

    Raises `ModelNotFound` for a name without a provider, and `BackendError` for capabilities in
    `has` that cannot be had through litellm.
    """
    short, provider = _provider(litellm, spec, address)
    taken = litellm.get_supported_openai_params(model=short, custom_llm_provider=provider)
    parameters = None if taken is None else frozenset(taken)
    info = _info(litellm, spec.model)
    able = _able(spec, provider, parameters, info)
    if "completions" in able and not _has_completions(litellm, short, provider):
        raise _cannot(spec, "completions")
    completion_limit = parameters and "max_tokens" not in parameters
    manners = Manners.of(provider)
    from_environment = manners.openai_like and any(one.read() for one in ELSEWHERE["litellm"])
    return LitellmModel(
        spec.name,
        spec.model,
        provider,
        provider if address is None else address.host,
        address is not None or from_environment,
        tuple(litellm.validate_environment(spec.model)["missing_keys"]),
        manners,
        parameters is None or "temperature" in parameters,
        _unlisted(able, parameters),
        Dialect(
            limit_name="max_completion_tokens" if completion_limit else "max_tokens",
            stops=_STOPS if parameters is None or "stop" in parameters else 0,
            repeats_prefix=True,
            reasoning_effort=spec.options.get("reasoning_effort"),
        ),
        _capabilities(spec, able, info),
    )


def _provider(litellm: Any, spec: ModelSpec, address: Address | None) -> tuple[str, str]:
    """The model's name at its provider, and the provider."""
    base = None if address is None else str(address.base)
    try:
        short, provider, _, _ = litellm.get_llm_provider(spec.model, api_base=base)
    except litellm.BadRequestError as error:
        if _DEFECT in str(error):
            raise BackendError(
                f"litellm cannot look up `{spec.model}` of model `{spec.name}`: {error}",
                model=spec.name,
            ) from error
        raise ModelNotFound(
            f"litellm knows no provider for `{spec.model}`, the `name` of model `{spec.name}`; "
            "write it as `provider/model`, such as `anthropic/claude-sonnet-4-5`, or "
            "`openai/…` with a `base_url` for any server with the OpenAI interface",
            model=spec.name,
        ) from None
    return short, provider


def _info(litellm: Any, model: str) -> Mapping[str, Any]:
    """The entry of litellm's table; empty for a model that is not in it."""
    try:
        return litellm.get_model_info(model)
    except Exception:  # litellm raises a bare one for a model that it does not know
        return {}


def _able(
    spec: ModelSpec, provider: str, parameters: frozenset[str] | None, info: Mapping[str, Any]
) -> frozenset[str]:
    """The capabilities that the block declares, without what this model is known not to have.

    What the block says that it `has` or `lacks` has the last word.
    """
    has = frozenset(spec.options.get("has") or ())
    lacks = frozenset(spec.options.get("lacks") or ())
    if beyond := has & _BEYOND:
        raise _cannot(spec, min(beyond))
    able = set(declared_capabilities("litellm", spec.options))
    if parameters is not None:
        able -= {one for one, name in _PARAMETERS.items() if name not in parameters}
    if info:
        able -= set() if info.get("mode") == "embedding" else {"embeddings"}
        able -= set() if info.get("supports_response_schema") else {"structured"}
        able |= {"prefix_continuation"} if info.get("supports_assistant_prefill") else set()
    if info.get("mode") == "completion" or provider.startswith("text-completion"):
        able.add("completions")
    if "logprobs" not in able | has:
        able.discard("label_scores")
    return frozenset((able | has) - lacks)


def _unlisted(able: frozenset[str], parameters: frozenset[str] | None) -> tuple[str, ...]:
    if parameters is None:
        return ()
    claimed = (name for one, name in _PARAMETERS.items() if one in able)
    return tuple(name for name in claimed if name not in parameters)


def _has_completions(litellm: Any, short: str, provider: str) -> bool:
    """Whether litellm sends a text as it is; for the others it would become a chat."""
    if provider == "openai":
        return short not in litellm.open_ai_chat_completion_models
    native = litellm.openai_text_completion_compatible_providers
    return provider.startswith("text-completion") or provider in ("azure_text", *native)


def _capabilities(spec: ModelSpec, able: frozenset[str], info: Mapping[str, Any]) -> Capabilities:
    in_flight = spec.options.get("max_in_flight")
    return Capabilities(
        max_in_flight=in_flight or CEILING,
        adaptive=in_flight is None,
        context_tokens=spec.options.get("context") or info.get("max_input_tokens"),
        **dict.fromkeys(able, True),  # pyright: ignore[reportArgumentType] (names of flags)
    )


def _cannot(spec: ModelSpec, capability: str) -> BackendError:
    return BackendError(
        f"model `{spec.name}` says that it has `{capability}`, which litellm cannot ask "
        f"`{spec.model}` for; take it out of `has`, or use `backend = openai`",
        model=spec.name,
    )

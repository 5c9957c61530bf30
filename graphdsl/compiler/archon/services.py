"""The services that Archon calls `model_type`, as backends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Service:
    """A backend: its kind, what stands before the name of a model, and further settings."""

    backend: str
    prefix: str = ""
    settings: tuple[str, ...] = ()


def _compatible(address: str, key: str) -> Service:
    return Service("openai", "", (f"base_url = {address}", f'api_key = env("{key}")'))


SERVICES: Final[Mapping[str, Service]] = {
    "OpenAI_API": _compatible('"https://api.openai.com/v1"', "OPENAI_API_KEY"),
    "Together_API": _compatible('"https://api.together.xyz/v1"', "TOGETHER_API_KEY"),
    "Groq_API": _compatible('"https://api.groq.com/openai/v1"', "GROQ_API_KEY"),
    "Anthropic_API": Service("litellm", "anthropic/", ('api_key = env("ANTHROPIC_API_KEY")',)),
    "Google_API": Service("litellm", "gemini/", ('api_key = env("GOOGLE_API_KEY")',)),
    "Bedrock_API": Service("litellm", "bedrock/"),
    "tgi": Service("openai", "", ('base_url = env("TGI_URL")',)),
    "vLLM": Service("vllm"),
}
"""Archon takes keys from the environment under these names as well."""

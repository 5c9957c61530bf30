"""Texts that have bytes."""

from __future__ import annotations


def encodable(text: str) -> str:
    """Lone surrogates, which have no bytes, become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")

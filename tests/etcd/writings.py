"""The ways in which servers write the same text as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable

from hypothesis import strategies as st


def as_go_does(text: str) -> str:
    """https://pkg.go.dev/encoding/json#HTMLEscape"""
    told = json.dumps(text, ensure_ascii=False)
    for one in "&<>":
        told = told.replace(one, f"\\u{ord(one):04x}")
    return told


def by_numbers(text: str) -> str:
    """Each character by its number: as far from the text as JSON allows."""
    units = text.encode("utf-16-be").hex()
    return '"' + "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4)) + '"'


WAYS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: json.dumps(text, ensure_ascii=False),
    "ascii": json.dumps,
    "go": as_go_does,
    "slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "numbers": by_numbers,
}
# What a header can carry; the beginning is in none of our own words.
TOKENS = st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=20).map(
    "s3cr3t&</>".__add__
)

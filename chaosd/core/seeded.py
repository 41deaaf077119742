"""Numbers that follow from words: the same on every machine and every version of Python."""

from __future__ import annotations

import hashlib


def number(*words: str) -> int:
    """Draw a number in [0, 2**256) from `words` by SHA-256."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest(), "big")

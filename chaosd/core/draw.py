"""The draw: who comes first, by a hash, the same on every machine and every Python."""

from __future__ import annotations

from collections.abc import Iterable

from chaosd.core.model import Candidate


def rank(seed: str, action_id: str, key: str) -> int:
    """The place of ``key`` in the draw of ``action_id``: lower comes first; 256 bits."""
    raise NotImplementedError


def lowest(
    candidates: Iterable[Candidate], seed: str, action_id: str, depth: int = 50
) -> list[Candidate]:
    """The ``depth`` candidates that come first, in their order, in memory for ``depth`` of them.

    A key that comes twice (a list that had to be started again) stands once, as it was last seen.
    """
    raise NotImplementedError

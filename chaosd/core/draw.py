"""The draw: who comes first, by a hash, the same on every machine and every Python."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable

from chaosd.core.model import Candidate


def rank(seed: str, action_id: str, key: str) -> int:
    """The place of ``key`` in the draw of ``action_id``: lower comes first; 256 bits.

    SHA-256 of the three texts in UTF-8, with a zero byte between them, which none can hold.
    """
    return int.from_bytes(_Draw(seed, action_id).digest(key))


def lowest(
    candidates: Iterable[Candidate], seed: str, action_id: str, depth: int = 50
) -> list[Candidate]:
    """The ``depth`` candidates that come first, in their order, in memory for ``depth`` of them.

    ``depth`` is at least 1. A key that comes twice (a list that had to be started again) stands
    once, as it was last seen.
    """
    draw = _Draw(seed, action_id)
    worst_first: list[tuple[int, str]] = []
    kept: dict[str, Candidate] = {}
    for candidate in candidates:
        place = -int.from_bytes(draw.digest(candidate.key))
        if len(kept) == depth and place < worst_first[0][0]:
            continue
        if candidate.key not in kept:
            heapq.heappush(worst_first, (place, candidate.key))
        kept[candidate.key] = candidate
        if len(kept) > depth:
            del kept[heapq.heappop(worst_first)[1]]
    return [kept[key] for _, key in sorted(worst_first, reverse=True)]


class _Draw:
    """Hashes keys of one draw; what all of them share is hashed once."""

    def __init__(self, seed: str, action_id: str) -> None:
        self._shared = hashlib.sha256(f"{seed}\0{action_id}\0".encode())

    def digest(self, key: str) -> bytes:
        state = self._shared.copy()
        state.update(key.encode())
        return state.digest()

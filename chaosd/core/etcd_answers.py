"""What asking etcd members brings back: their adapter makes it, their guard judges it."""

from __future__ import annotations

from msgspec import Struct

from chaosd.core.quorum import Member


class Looked(Struct, frozen=True):
    """What the member at one endpoint says: of itself (``member``, with all that a Member has but
    pod and node), and whom it lists (ids, names, URLs, learners; nothing else is filled).

    A learner refuses to list members (etcd: "rpc not supported for learner"): ``listed`` and
    ``member.known`` are empty then, and its name and URLs are known from the others' lists only.
    """

    member: Member
    listed: tuple[Member, ...]


class SnapshotChecked(Struct, frozen=True):
    """A snapshot that was streamed and whose hash was right: its bytes, and seconds it took."""

    size: int
    seconds: float

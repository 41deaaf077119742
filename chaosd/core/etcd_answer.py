"""What is known of a declared etcd cluster, as people and programs read it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from chaosd.core.model import Reasons
from chaosd.core.quorum import Member, Picture, quorum_reasons


class EtcdMemberAnswer(Struct, frozen=True, rename="camel"):
    """One member.

    ``role`` is leader, follower or learner. ``lag``: applied entries behind the leader, None when
    that can't be told. ``size``, ``in_use``: bytes of its database. ``error``: why it is not
    healthy, None when it is.
    """

    name: str
    id: str
    role: str
    healthy: bool
    error: str | None
    lag: int | None
    version: str
    size: int
    in_use: int
    alarms: tuple[str, ...]
    endpoint: str
    pod: str | None
    node: str | None


class EtcdAnswer(Struct, frozen=True, rename="camel"):
    """One cluster.

    ``margin``: how many healthy voters it could lose now and still work, by number alone.
    ``against``: every reason why none of its members may be taken down now; empty when one may.
    ``at``: when it was looked at. ``known`` false: nobody answered, and no figure means anything.
    ``under_way``: the actions that are open on it by the ledger, which is newer than any look.
    """

    cluster: str
    at: datetime
    voters: int
    healthy: int
    quorum: int
    margin: int
    leader: str | None
    against: Reasons
    members: tuple[EtcdMemberAnswer, ...]
    known: bool = True
    under_way: tuple[str, ...] = ()


def etcd_answer(picture: Picture, more: Reasons = ()) -> EtcdAnswer:
    """A picture put in words; ``more`` are reasons that it does not show, such as an old backup."""
    leader = picture.leader
    healthy = [member.id for member in picture.voters if member.healthy]
    against = quorum_reasons(picture, healthy[:1])
    return EtcdAnswer(
        cluster=picture.name,
        at=picture.at,
        voters=len(picture.voters),
        healthy=picture.healthy,
        quorum=picture.quorum,
        margin=picture.margin,
        leader=(leader.name or leader.id) if leader else None,
        against=tuple(dict.fromkeys((*against, *more))),
        members=tuple(_member(picture, member) for member in picture.members),
        known=bool(picture.members),
    )


def role_of(picture: Picture, member: Member) -> str:
    """``learner``, ``leader`` or ``follower``."""
    if member.learner:
        return "learner"
    return "leader" if picture.leader and picture.leader.id == member.id else "follower"


def _member(picture: Picture, member: Member) -> EtcdMemberAnswer:
    return EtcdMemberAnswer(
        name=member.name,
        id=member.id,
        role=role_of(picture, member),
        healthy=member.healthy,
        error=member.error or None,
        lag=picture.lag(member),
        version=member.version,
        size=member.size,
        in_use=member.in_use,
        alarms=member.alarms,
        endpoint=member.endpoint,
        pod=member.pod or None,
        node=member.node or None,
    )

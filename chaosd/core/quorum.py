"""The guard of etcd: whether a cluster can lose members now, by what all members say of it.

A cluster of n voting members works while n // 2 + 1 of them do (its quorum); learners don't vote.
Source: https://etcd.io/docs/v3.6/faq/ and https://etcd.io/docs/v3.6/learning/design-learner/
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from msgspec import Struct

from chaosd.core.etcd_model import MemberRole
from chaosd.core.reasons import Code, Reason, Reasons

MOST_LAG = 1_000
"""By how many applied log entries a member may be behind its leader."""
FEWEST_VOTERS = 3


class Member(Struct, frozen=True, rename="camel", kw_only=True):
    """One member, by the member list, and what it answered for itself when it was asked.

    - ``id``: hexadecimal, as etcdctl shows it. ``endpoint``: the URL at which it was asked.
    - ``error``: why it is not healthy, in words; "" when it answered a linearizable read.
    - ``leader``: the id of whom it takes for the leader; "" for nobody.
    - ``cluster_id``, ``known``: the cluster that it says it is in, and the ids of that cluster's
      members with a mark for learners, as it lists them.
    - ``applied``: its applied raft index. ``size``, ``in_use``: bytes of its database.
    - ``pod`` (``namespace/name``) and ``node``: where it runs in this Kubernetes cluster, "" for
      not known (yet).
    """

    id: str
    name: str = ""
    endpoint: str = ""
    peer_urls: tuple[str, ...] = ()
    client_urls: tuple[str, ...] = ()
    learner: bool = False
    error: str = ""
    leader: str = ""
    cluster_id: str = ""
    known: tuple[str, ...] = ()
    term: int = 0
    applied: int = 0
    version: str = ""
    size: int = 0
    in_use: int = 0
    alarms: tuple[str, ...] = ()
    pod: str = ""
    node: str = ""

    @property
    def healthy(self) -> bool:
        """Whether it served a linearizable read."""
        return not self.error

    def __str__(self) -> str:
        return f"{self.name or '(unnamed)'} ({self.id})"


class Picture(Struct, frozen=True, rename="camel", kw_only=True):
    """What was seen of one declared cluster at one time.

    ``members`` are all that its member list has, and whatever else answered at a declared place.
    ``problems`` say why the picture is not whole: nobody answered, a place that is no member,
    a pod that could not be matched.
    """

    name: str
    at: datetime
    members: tuple[Member, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def voters(self) -> tuple[Member, ...]:
        """The members that vote."""
        return tuple(member for member in self.members if not member.learner)

    @property
    def quorum(self) -> int:
        """How many voters must be healthy for the cluster to work."""
        return len(self.voters) // 2 + 1

    @property
    def healthy(self) -> int:
        """How many voters are healthy."""
        return sum(member.healthy for member in self.voters)

    @property
    def margin(self) -> int:
        """How many healthy voters it could lose now and still work; negative: it doesn't work."""
        return self.healthy - self.quorum

    @property
    def leader(self) -> Member | None:
        """The member that all healthy voters take for the leader; None when they don't agree."""
        named = {member.leader for member in self.voters if member.healthy}
        if len(named) != 1:
            return None
        return next((member for member in self.voters if member.id in named), None)

    def lag(self, member: Member) -> int | None:
        """By how many applied entries ``member`` is behind the leader; None when that can't be
        told."""
        leader = self.leader
        if leader is None or not member.healthy:
            return None
        return max(0, leader.applied - member.applied)


def state_reasons(picture: Picture) -> Reasons:
    """Every reason why nothing may be done to the cluster, whoever would be struck."""
    if not picture.members:
        why = "; ".join(picture.problems) or "nobody answered"
        return (_reason(Code.ETCD_UNREADABLE, picture, why),)
    return (
        *(_reason(Code.ETCD_UNREADABLE, picture, problem) for problem in picture.problems),
        *_voters_reasons(picture),
        *_agreement_reasons(picture),
        *_alarm_reasons(picture),
        *_lag_reasons(picture),
    )


def quorum_reasons(picture: Picture, hit: Collection[str]) -> Reasons:
    """Every reason why the members with the ids ``hit`` may not be taken down together, those of
    :func:`state_reasons` included. An id that is no member speaks against it too."""
    voters = {member.id for member in picture.voters}
    strangers = sorted(set(hit) - {member.id for member in picture.members})
    found = list(state_reasons(picture))
    if strangers:
        detail = f"{', '.join(strangers)} is no member that it lists"
        found.append(_reason(Code.ETCD_UNREADABLE, picture, detail))
    lost = [member for member in picture.voters if member.id in hit and member.healthy]
    left = picture.healthy - len(lost)
    if voters.intersection(hit) and left < picture.quorum:
        detail = (
            f"{left} of {len(voters)} voters would be left healthy, and its quorum is"
            f" {picture.quorum}"
        )
        found.append(_reason(Code.ETCD_QUORUM, picture, detail))
    return tuple(found)


def not_back(picture: Picture, member: Member) -> str:
    """Why a member that was away is not back yet: it does not answer, or has not caught up. "" when
    it is, whatever the others do."""
    if not member.healthy:
        return f"{member} is not healthy: {member.error}"
    lag = picture.lag(member)
    if lag is None:
        return f"how far {member} is behind can't be told: the members don't agree who leads"
    return f"{member} is {lag} entries behind the leader" if lag > MOST_LAG else ""


def role_reasons(role: MemberRole, picture: Picture, member: Member) -> Reasons:
    """Why ``member`` is not one of that role: what has no vote is never chosen, and who leads at
    this moment decides the rest. While nobody knows that, it has no role."""
    if member.learner:
        return (Reason(Code.ETCD_ROLE, f"{member} is a learner, which has no vote"),)
    leader = picture.leader
    leads = leader is not None and leader.id == member.id
    who = str(leader) if leader is not None else "nobody"
    detail = ""
    if role is MemberRole.LEADER and not leads:
        detail = f"only the leader is chosen, and {who} leads"
    elif role is MemberRole.FOLLOWER and (leads or leader is None):
        detail = f"only followers are chosen, and {who} leads"
    return (Reason(Code.ETCD_ROLE, detail),) if detail else ()


def _reason(code: Code, picture: Picture, detail: str) -> Reason:
    return Reason(code, f"etcd {picture.name}: {detail}")


def _voters_reasons(picture: Picture) -> list[Reason]:
    voters = picture.voters
    found = []
    if len(voters) < FEWEST_VOTERS:
        detail = f"{len(voters)} voters; with fewer than {FEWEST_VOTERS} none can be missed"
        found.append(_reason(Code.ETCD_FEW_VOTERS, picture, detail))
    ill = [member for member in voters if not member.healthy]
    if ill:
        what = "; ".join(f"{member}: {member.error}" for member in ill)
        detail = f"{len(voters) - len(ill)} of {len(voters)} voters healthy, not {what}"
        found.append(_reason(Code.ETCD_UNHEALTHY, picture, detail))
    return found


def _agreement_reasons(picture: Picture) -> list[Reason]:
    """One cluster ID, one member list, one leader: among all that answered."""
    answered = [member for member in picture.members if member.healthy]
    found = []
    clusters = sorted({member.cluster_id for member in answered})
    if len(clusters) > 1:
        detail = f"its members say that they are of {len(clusters)} clusters: {_each(clusters)}"
        found.append(_reason(Code.ETCD_DISAGREES, picture, detail))
    # A learner is not asked for the list: it refuses to give one.
    lists = {member.known for member in answered if not member.learner}
    if len(lists) > 1:
        detail = f"its members give {len(lists)} different member lists"
        found.append(_reason(Code.ETCD_DISAGREES, picture, detail))
    leaders = {member.leader for member in answered if not member.learner}
    if "" in leaders or not leaders:
        who = [str(member) for member in answered if not member.leader and not member.learner]
        detail = f"no leader is known to {_each(who)}" if who else "nobody names a leader"
        found.append(_reason(Code.ETCD_NO_LEADER, picture, detail))
    elif len(leaders) > 1:
        detail = f"its members name {len(leaders)} leaders: {_each(sorted(leaders))}"
        found.append(_reason(Code.ETCD_DISAGREES, picture, detail))
    elif picture.leader is None:
        detail = f"its leader {_each(sorted(leaders))} is no voter that it lists"
        found.append(_reason(Code.ETCD_NO_LEADER, picture, detail))
    return found


def _alarm_reasons(picture: Picture) -> list[Reason]:
    alarms = sorted({f"{alarm} on {m}" for m in picture.members for alarm in m.alarms})
    return [_reason(Code.ETCD_ALARM, picture, f"alarm {_each(alarms)}")] if alarms else []


def _lag_reasons(picture: Picture) -> list[Reason]:
    behind = []
    for member in picture.voters:
        lag = picture.lag(member)
        if lag is not None and lag > MOST_LAG:
            behind.append(f"{member} by {lag} entries")
    if not behind:
        return []
    detail = f"{_each(behind)} behind the leader; {MOST_LAG} is the most allowed"
    return [_reason(Code.ETCD_LAG, picture, detail)]


def _each(things: Sequence[str]) -> str:
    return ", ".join(things)

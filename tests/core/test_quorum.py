"""Whether an etcd cluster can lose members: every no, and what every yes guarantees."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chaosd.core.etcd_model import MemberRole
from chaosd.core.quorum import (
    FEWEST_VOTERS,
    MOST_LAG,
    Member,
    Picture,
    not_back,
    quorum_reasons,
    role_reasons,
    state_reasons,
)
from chaosd.core.reasons import Code

AT = datetime(2026, 3, 4, 10, tzinfo=UTC)


def member(number: int, **changes: Any) -> Member:
    """A healthy voter of a cluster that ``m0`` leads."""
    usual: dict[str, Any] = {
        "id": f"m{number}",
        "name": f"etcd-{number}",
        "leader": "m0",
        "cluster_id": "c",
        "known": ("m0", "m1", "m2"),
        "applied": 5000,
    }
    return Member(**{**usual, **changes})


def picture(*members: Member, problems: tuple[str, ...] = ()) -> Picture:
    return Picture(name="main", at=AT, members=members, problems=problems)


def three(**changes: Any) -> Picture:
    """Three voters, of which ``m1`` is not as it should be."""
    return picture(member(0), member(1, **changes), member(2))


def codes(seen: Picture, *hit: str) -> set[Code]:
    return {reason.code for reason in quorum_reasons(seen, hit)}


def test_a_learner_gives_no_member_list() -> None:
    """It refuses to, which is no disagreement."""
    learner = member(9, learner=True, known=(), leader="m0")
    assert codes(picture(*map(member, range(3)), learner), "m1") == set()


@pytest.mark.parametrize(
    ("voters", "quorum", "margin"), [(1, 1, 0), (2, 2, 0), (3, 2, 1), (4, 3, 1), (5, 3, 2)]
)
def test_figures(voters: int, quorum: int, margin: int) -> None:
    """Learners don't count."""
    seen = picture(*map(member, range(voters)), member(9, learner=True))
    assert (seen.quorum, seen.healthy, seen.margin) == (quorum, voters, margin)
    assert seen.leader is not None
    assert seen.leader.id == "m0"


@pytest.mark.parametrize(
    ("changes", "code", "detail"),
    [
        ({"error": "refused"}, Code.ETCD_UNHEALTHY, "2 of 3 voters healthy, not etcd-1 (m1)"),
        ({"cluster_id": "d"}, Code.ETCD_DISAGREES, "they are of 2 clusters: c, d"),
        ({"known": ("m0", "m1")}, Code.ETCD_DISAGREES, "2 different member lists"),
        ({"leader": "m2"}, Code.ETCD_DISAGREES, "name 2 leaders: m0, m2"),
        ({"leader": ""}, Code.ETCD_NO_LEADER, "no leader is known to etcd-1 (m1)"),
        ({"alarms": ("NOSPACE",)}, Code.ETCD_ALARM, "alarm NOSPACE on etcd-1 (m1)"),
        ({"applied": 3999}, Code.ETCD_LAG, "etcd-1 (m1) by 1001 entries"),
    ],
)
def test_what_one_member_says(changes: dict[str, Any], code: Code, detail: str) -> None:
    """One reason, with its figures, whoever would be struck."""
    [reason] = state_reasons(three(**changes))
    assert reason.code is code
    assert detail in reason.detail
    assert reason.detail.startswith("etcd main: ")
    assert code in codes(three(**changes), "m2")


def test_a_lag_that_is_allowed() -> None:
    """Up to the bound; a leader that is behind leads all the same."""
    assert state_reasons(three(applied=5000 - MOST_LAG)) == ()
    assert state_reasons(three(applied=9000)) == ()


def test_a_leader_that_is_nobody() -> None:
    """All name one that they don't list, or a learner."""
    seen = picture(*(member(n, leader="m7") for n in range(3)))
    assert {reason.code for reason in state_reasons(seen)} == {Code.ETCD_NO_LEADER}
    learner = picture(*(member(n, leader="m7") for n in range(3)), member(7, learner=True))
    assert Code.ETCD_NO_LEADER in codes(learner)


@pytest.mark.parametrize("voters", [1, 2])
def test_too_few_voters(voters: int) -> None:
    """None of them can be missed."""
    seen = picture(*map(member, range(voters)), member(9, learner=True))
    assert codes(seen) == {Code.ETCD_FEW_VOTERS}


def test_a_picture_that_is_not_whole() -> None:
    """Each problem is a reason; without a member there is nothing else to say."""
    seen = replace(three(), problems=("a stranger", "another"))
    assert [reason.detail for reason in state_reasons(seen)] == [
        "etcd main: a stranger",
        "etcd main: another",
    ]
    assert codes(picture()) == {Code.ETCD_UNREADABLE}
    assert state_reasons(picture())[0].detail == "etcd main: nobody answered"


@pytest.mark.parametrize(
    ("voters", "hit", "expected"),
    [
        (3, ["m0"], set()),
        (3, ["m0", "m1"], {Code.ETCD_QUORUM}),
        (4, ["m0"], set()),
        (4, ["m0", "m1"], {Code.ETCD_QUORUM}),
        (5, ["m0", "m1"], set()),
        (5, ["m0", "m1", "m2"], {Code.ETCD_QUORUM}),
        (3, ["m9"], set()),
        (3, ["m0", "m9"], set()),
        (3, ["nobody"], {Code.ETCD_UNREADABLE}),
        (3, [], set()),
    ],
)
def test_members_that_fall_together(voters: int, hit: list[str], expected: set[Code]) -> None:
    """``m9`` is a learner, which nobody misses; who is no member is doubt."""
    seen = picture(*map(member, range(voters)), member(9, learner=True))
    assert codes(seen, *hit) == expected


members = st.builds(
    Member,
    id=st.sampled_from([f"m{n}" for n in range(6)]),
    learner=st.booleans(),
    error=st.sampled_from(["", "", "", "refused"]),
    leader=st.sampled_from(["m0", "m0", "m0", "m1", ""]),
    cluster_id=st.sampled_from(["c", "c", "c", "d"]),
    known=st.sampled_from([("m0",), ("m0",), ("m1",)]),
    applied=st.sampled_from([0, 10, 2000]),
    alarms=st.sampled_from([(), (), ("CORRUPT",)]),
)
pictures = st.builds(
    Picture,
    name=st.just("main"),
    at=st.just(AT),
    members=st.lists(members, max_size=6, unique_by=lambda one: one.id).map(tuple),
    problems=st.sampled_from([(), (), ("a stranger",)]),
)
hits = st.sets(st.sampled_from([f"m{n}" for n in range(7)]), max_size=4)


def rather_well(size: int) -> Picture:
    return picture(*map(member, range(size)), member(9, learner=True))


@given(seen=st.one_of(pictures, st.integers(1, 7).map(rather_well)), hit=hits)
def test_a_yes_leaves_a_quorum(seen: Picture, hit: set[str]) -> None:
    """Whatever is said of whichever members: what passes is whole, and works without the hit."""
    if quorum_reasons(seen, hit):
        return
    voters = [one for one in seen.members if not one.learner]
    assert seen.problems == ()
    assert len(voters) >= FEWEST_VOTERS
    assert all(one.healthy for one in voters)
    left = sum(one.id not in hit for one in voters)
    assert left >= len(voters) // 2 + 1
    assert hit <= {one.id for one in seen.members}
    assert len({one.leader for one in voters}) == 1
    assert voters[0].leader in {one.id for one in voters}
    answered = [one for one in seen.members if one.healthy]
    assert len({one.cluster_id for one in answered}) == len({one.known for one in answered}) == 1
    assert not any(one.alarms for one in seen.members)
    most = max(one.applied for one in voters if one.id == voters[0].leader)
    assert all(most - one.applied <= MOST_LAG for one in voters)


@given(seen=pictures, hit=hits)
def test_learners_never_count(seen: Picture, hit: set[str]) -> None:
    """A healthy learner more that says what all say changes no answer about quorum."""
    more = replace(seen, members=(*seen.members, member(8, learner=True, cluster_id="c")))
    voters = {Code.ETCD_QUORUM, Code.ETCD_FEW_VOTERS, Code.ETCD_UNHEALTHY}
    if seen.members:
        assert codes(seen, *hit) & voters == codes(more, *hit) & voters
    assert (seen.quorum, seen.healthy) == (more.quorum, more.healthy)


@given(size=st.integers(3, 9), data=st.data())
def test_a_whole_cluster_may_miss_all_but_its_quorum(size: int, data: st.DataObject) -> None:
    """Exactly as many as it can: the guard forbids no more than it must."""
    seen = picture(*map(member, range(size)))
    hit = data.draw(st.sets(st.sampled_from([f"m{n}" for n in range(size)])))
    assert (quorum_reasons(seen, hit) == ()) is (size - len(hit) >= size // 2 + 1)


@pytest.mark.parametrize(
    ("role", "fits"),
    [
        (MemberRole.ANY, {"m0", "m1", "m2"}),
        (MemberRole.LEADER, {"m0"}),
        (MemberRole.FOLLOWER, {"m1", "m2"}),
    ],
)
def test_the_role_of_a_member(role: MemberRole, fits: set[str]) -> None:
    """Whom all take for the leader leads; a learner has none; while nobody knows who leads, no
    policy that asks for a role gets one."""
    seen = picture(*map(member, range(3)), member(9, learner=True))
    assert {one.id for one in seen.members if not role_reasons(role, seen, one)} == fits
    for doubt in (three(leader="m1"), picture(*(member(n, leader="") for n in range(3)))):
        able = {one.id for one in doubt.members if not role_reasons(role, doubt, one)}
        assert able == (fits if role is MemberRole.ANY else set())


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"applied": 5000 - MOST_LAG}, ""),
        ({"applied": 4999 - MOST_LAG}, "etcd-1 (m1) is 1001 entries behind the leader"),
        ({"error": "refused"}, "etcd-1 (m1) is not healthy: refused"),
        ({"leader": "m1"}, "how far etcd-1 (m1) is behind can't be told"),
    ],
)
def test_a_member_that_was_away(changes: dict[str, Any], why: str) -> None:
    """It is back when it answers and has caught up, also while another one is away."""
    for seen in (three(**changes), picture(*three(**changes).members[:2], member(2, error="no"))):
        told = not_back(seen, seen.members[1])
        assert told.startswith(why) if why else not told

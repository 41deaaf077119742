"""Tests for ``chaosd.core.etcd_answer``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from chaosd.core.etcd_answer import etcd_answer
from chaosd.core.model import Code, Reason
from chaosd.core.quorum import Member, Picture

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def member(number: int, **more: object) -> Member:
    fields: dict[str, object] = {
        "id": f"a{number}",
        "name": f"etcd-{number}",
        "leader": "a0",
        "cluster_id": "c",
        "known": ("a0", "a1", "a2"),
        "applied": 100,
    }
    return Member(**{**fields, **more})  # type: ignore[arg-type]


def picture(*members: Member, problems: tuple[str, ...] = ()) -> Picture:
    return Picture(name="main", at=AT, members=members, problems=problems)


def test_a_healthy_cluster_has_nothing_against_losing_one() -> None:
    """The one leads, the others follow, and each says how far behind it is."""
    answer = etcd_answer(picture(member(0), member(1, applied=93), member(2)))
    assert answer.against == ()
    assert (answer.voters, answer.healthy, answer.quorum, answer.margin) == (3, 3, 2, 1)
    assert answer.leader == "etcd-0"
    roles = [(one.role, one.lag) for one in answer.members]
    assert roles == [("leader", 0), ("follower", 7), ("follower", 0)]


def test_one_that_is_down_forbids_all() -> None:
    """With one member down everything that speaks against another is said, with its figures."""
    answer = etcd_answer(picture(member(0), member(1), member(2, error="connection refused")))
    codes = {reason.code for reason in answer.against}
    assert codes == {Code.ETCD_UNHEALTHY, Code.ETCD_QUORUM}
    assert "2 of 3 voters healthy" in answer.against[0].detail
    assert "connection refused" in answer.against[0].detail
    assert answer.margin == 0


@pytest.mark.parametrize("problems", [(), ("nobody answered at https://10.0.0.1:2379",)])
def test_what_nobody_could_read_is_said(problems: tuple[str, ...]) -> None:
    """Without members there is no margin, and the reason says why."""
    answer = etcd_answer(picture(problems=problems))
    assert {reason.code for reason in answer.against} == {Code.ETCD_UNREADABLE}
    assert answer.members == ()
    assert answer.leader is None


def test_reasons_from_elsewhere_are_added_once() -> None:
    """An old backup speaks against it as well."""
    old = Reason(Code.ETCD_BACKUP, "etcd main: the newest backup is 3 days old")
    answer = etcd_answer(picture(member(0), member(1), member(2)), (old, old))
    assert answer.against == (old,)

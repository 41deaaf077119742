"""Kill after kill on a real etcd cluster: the quorum is never lost by chaosd, and no write is."""

from __future__ import annotations

import pytest

from tests.etcd_members import require_etcd
from tests.real.control_plane import binary
from tests.soak.__main__ import broken
from tests.soak.run import soak

KILLS = 50


@pytest.mark.timeout(2400)
def test_fifty_kills_lose_neither_quorum_nor_a_write() -> None:
    """By two policies, with a client that writes all the time; every refusal has its reason."""
    require_etcd()
    etcd = binary("etcd")
    assert etcd is not None
    outcome = soak(etcd, 3, KILLS)
    assert broken(outcome) == []
    assert outcome.kills >= KILLS
    assert outcome.recovered == outcome.kills + outcome.moves
    assert len(outcome.strikes) >= KILLS
    assert outcome.answered > KILLS
    assert outcome.leader_kills > 0


@pytest.mark.timeout(1200)
def test_members_that_others_break_too_keep_their_quorum() -> None:
    """Five members, two of which may be down or frozen by somebody else at any moment."""
    require_etcd()
    etcd = binary("etcd")
    assert etcd is not None
    outcome = soak(etcd, 5, 10, troubles=7)
    assert broken(outcome) == []
    assert outcome.troubles > 0
    assert len(outcome.strikes) >= outcome.kills >= 10

"""Leading: the lease proposes, the ledger decides, and no ledger is ever replaced silently."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.lease import LeaseSpec, read_spec, write_spec
from chaosd.core.ledger import Leader, Result
from chaosd.core.model import Code
from chaosd.core.schedule import Every
from chaosd.engine.attempt import SKIPPED
from chaosd.engine.caretaker import Caretaker
from chaosd.engine.lead import LEDGER_UID
from chaosd.ports import Document
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE, make_ports
from tests.engine.process import Hook, Process
from tests.engine.scene import LEASE, LEDGER, Scene, codes, configured, policy
from tests.engine.stage import Died, die

MINUTELY = configured(policy(schedule=Every(timedelta(minutes=1))))


def lease(scene: Scene) -> Document:
    found = make_ports(scene.sandbox, scene.clock).lease.read()
    assert found
    return found


def holder(scene: Scene) -> str:
    return read_spec(lease(scene).text).holder_identity or ""


def ledger_uid(scene: Scene) -> str:
    item = scene.cluster.get("configmaps", NAMESPACE, "chaosd-ledger")
    return str(item["metadata"]["uid"]) if item else ""


def drop(scene: Scene, resource: str, name: str) -> None:
    scene.cluster.remove(resource, NAMESPACE, name)


def results(process: Process) -> list[str]:
    return [ended.result for ended in process.ended]


# ------------------------------------------------------------------ the first start


def test_the_first_start_makes_the_ledger_and_names_it_in_the_lease() -> None:
    """Before there was nothing; afterwards the lease trusts exactly this ledger."""
    scene = Scene(fill=on.shop)
    scene.leader()
    assert lease(scene).annotations[LEDGER_UID] == ledger_uid(scene)
    assert scene.ledger().leader == Leader("a", 1, scene.now())


@pytest.mark.parametrize(
    "where",
    [
        f"POST {LEASE.rpartition('/')[0]}",
        f"POST {LEDGER.rpartition('/')[0]}",
        f"PATCH {LEASE}",
        f"PATCH {LEDGER}",
    ],
    ids=["before the lease", "before the ledger", "before it is named", "before the first term"],
)
def test_a_first_start_that_dies_half_way_is_finished_by_the_next(where: str) -> None:
    """Whatever was made before the crash is taken up, and there is one ledger."""
    scene = Scene(fill=on.shop)
    with pytest.raises(Died):
        scene.process(through=Hook(where, die)).start()
    scene.processes[0].die()
    made = ledger_uid(scene)
    after = scene.process("b")
    scene.run(40)
    assert after.context.leading
    assert lease(scene).annotations[LEDGER_UID] == ledger_uid(scene)
    assert made in ("", ledger_uid(scene))
    assert after.attempt().result == "killed"


def test_a_ledger_from_before_is_adopted_with_all_that_it_knows() -> None:
    """Where a lease is new and the ledger is not, its limits go on counting."""
    scene = Scene(configured(policy(), limits=on.one_an_hour()), on.shop)
    first = scene.leader()
    assert first.attempt().result == "killed"
    scene.run(10)
    first.die()
    drop(scene, "leases.coordination.k8s.io", "chaosd")
    second = scene.process("b").start()
    assert second.context.leading
    assert codes(second.attempt()) == {Code.LIMIT_PER_HOUR}


# ------------------------------------------------------------------ a ledger gone, or new


def recreated(scene: Scene) -> None:
    on.ledger_replaced(scene, scene.processes[0])


def gone(scene: Scene) -> None:
    drop(scene, "configmaps", "chaosd-ledger")


@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("lose", [gone, recreated])
def test_no_kills_without_the_ledger_until_somebody_says_so(lose: Any, restart: bool) -> None:
    """Deleted or made anew, it is not replaced: nothing is struck until `chaosd ledger init`."""
    scene = Scene(MINUTELY, on.shop)
    process = scene.process()
    scene.run(100)
    assert scene.victims()
    lose(scene)
    struck, left = len(scene.victims()), ledger_uid(scene)
    if restart:
        process.die()
        process = scene.process("b")
    scene.run(200)
    assert len(scene.victims()) == struck
    assert ledger_uid(scene) == left
    assert "ledger init" in process.context.unusable
    ended = process.attempt()
    assert ended.result == SKIPPED
    assert codes(ended) <= {Code.LEDGER_UNREADABLE, Code.NOT_LEADING}
    ports = make_ports(scene.sandbox, scene.clock)
    Caretaker(ports.ledger, ports.lease).init()
    scene.run(150)
    assert len(scene.victims()) > struck


def test_a_running_process_remembers_its_ledger_when_the_lease_is_deleted_with_it() -> None:
    """It knows that there was one: deleting both by hand forgets no limit."""
    scene = Scene(MINUTELY, on.shop)
    process = scene.process()
    scene.run(100)
    struck, known = len(scene.victims()), ledger_uid(scene)
    gone(scene)
    drop(scene, "leases.coordination.k8s.io", "chaosd")
    scene.run(200)
    assert len(scene.victims()) == struck
    assert lease(scene).annotations[LEDGER_UID] == known
    assert "ledger init" in process.context.unusable


def test_a_lease_deleted_by_hand_is_made_anew_and_names_the_same_ledger() -> None:
    """Its holder takes it again, and goes on in the same term."""
    scene = Scene(MINUTELY, on.shop)
    process = scene.process()
    scene.run(100)
    struck = len(scene.victims())
    drop(scene, "leases.coordination.k8s.io", "chaosd")
    scene.run(150)
    assert len(scene.victims()) > struck
    assert lease(scene).annotations[LEDGER_UID] == ledger_uid(scene)
    assert scene.ledger().leader == Leader("a", 1, scene.start)
    assert process.context.leading


# ------------------------------------------------------------------ two of them


def test_of_two_only_one_leads() -> None:
    """The other plans nothing and strikes nothing, for as long as the first renews."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(300)
    assert (first.context.leading, second.context.leading) == (True, False)
    assert results(first).count("killed") >= 4
    assert results(second) == []
    assert codes(second.attempt()) == {Code.NOT_LEADING}


def test_a_leader_that_stops_hands_over_at_once() -> None:
    """The other leads as soon as it looks again, not after the lease has run out."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(100)
    first.stop()
    assert holder(scene) == ""
    scene.run(2.5)
    assert second.context.leading
    leader = scene.ledger().leader
    assert leader
    assert (leader.holder, leader.term, holder(scene)) == ("b", 2, "b")
    assert results(second) == []
    scene.run(130)
    assert "killed" in results(second)


def test_a_leader_that_dies_is_followed_once_its_lease_ran_out() -> None:
    """Not before: it might be alive."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(50)
    first.die()
    scene.run(10)
    assert not second.context.leading
    scene.run(10)
    assert second.context.leading


def test_stopping_a_follower_leaves_the_lease_alone() -> None:
    """What is not its own is not given away."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(20)
    second.stop()
    assert holder(scene) == "a"
    assert first.context.leading


def test_a_leader_that_was_overtaken_gives_back_nothing() -> None:
    """It stood still, did not notice, and is told to stop: the lease is another's."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(20)
    first.awake = False
    scene.run(40)
    assert first.context.leadership
    first.stop()
    assert holder(scene) == "b"
    assert second.context.leading


@pytest.mark.parametrize("frozen_at", ["/eviction", f"PATCH {LEDGER}"])
def test_a_frozen_leaders_late_request_changes_nothing(frozen_at: str) -> None:
    """It stood still right before its strike (or its reservation): meanwhile another led and made
    its request void, so that it fails when it arrives at last."""
    scene = Scene(fill=on.shop)
    nth = 1 if frozen_at == "/eviction" else 2

    def freeze() -> None:
        first.awake = False
        scene.process("b")
        scene.run(60)
        first.awake = True

    first = scene.process("a", through=Hook(frozen_at, freeze, nth=nth))
    first.start()
    ended = first.attempt()
    scene.run(30)
    assert ended.result in (SKIPPED, "unknown", "refused", "failed")
    assert scene.victims() == []
    assert {one.result for one in scene.ledger().all_intents()} <= {Result.FAILED}
    assert scene.ledger().unsettled() == ()
    assert scene.processes[1].attempt().result == "killed"


def test_a_frozen_leaders_term_is_over_when_it_wakes() -> None:
    """It sees another term in the ledger, and becomes a follower."""
    scene = Scene(MINUTELY, on.shop)
    first, second = scene.process("a"), scene.process("b")
    scene.run(20)
    first.awake = False
    scene.run(40)
    assert second.context.leading
    first.awake = True
    scene.run(20)
    assert (first.context.leading, second.context.leading) == (False, True)
    assert holder(scene) == "b"


# ------------------------------------------------------------------ clocks


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_wrong_wall_clock_keeps_its_lease_and_kills_nothing(minutes: int) -> None:
    """Wall clocks are never compared for the lease; the kills are refused for the skew."""
    scene = Scene(MINUTELY, on.shop)
    wrong = scene.process("a", off=timedelta(minutes=minutes))
    right = scene.process("b")
    scene.run(300)
    assert (wrong.context.leading, right.context.leading) == (True, False)
    assert scene.victims() == []
    assert wrong.ended
    assert all(codes(ended) == {Code.CLOCK_SKEW} for ended in wrong.ended)
    wrong.stop()
    scene.run(100)
    assert right.context.leading
    assert "killed" in results(right)


def test_a_lease_that_nobody_renews_is_judged_by_ones_own_time() -> None:
    """What it says about its renewal, an hour ahead or long ago, does not count."""
    scene = Scene(fill=on.shop)
    ports = make_ports(scene.sandbox, scene.clock)
    for renewed in ("2030-01-01T00:00:00.000000Z", "2001-01-01T00:00:00.000000Z"):
        spec = LeaseSpec("ghost", 15, renewed, renewed, 3)
        seen = ports.lease.read() or ports.lease.create("{}", {})
        ports.lease.swap(seen, write_spec(spec))
        process = scene.process(f"after {renewed}")
        process.lead.step()
        for seconds, leads in ((14.9, False), (0.2, True)):
            scene.clock.advance(seconds)
            process.lead.step()
            assert process.context.leading is leads

"""How things stand, and what is forgotten: the observer's other two duties."""

from __future__ import annotations

from datetime import timedelta

from chaosd.core.ledger import Ledger, Request
from chaosd.core.model import Limits
from chaosd.core.requests import VALID, post
from chaosd.core.schedule import Every, MeanTime
from chaosd.core.window import Weekly, Windows
from tests.engine import troubles as on
from tests.engine.cluster_side import NAMESPACE
from tests.engine.process import Process
from tests.engine.scene import Scene, configured, policy

NIGHT = Windows("UTC", ((Weekly(frozenset(range(7)), 0, 6 * 3600),),))
MEAN = MeanTime(timedelta(days=5), timedelta(hours=12))


def aged(scene: Scene, process: Process, **by: float) -> Ledger:
    """The ledger some time later, observed once more."""
    scene.clock.advance(timedelta(**by))
    process.lead.step()
    process.observer.step()
    return scene.ledger()


# ------------------------------------------------------------------ how things stand


def test_limits_left_go_down_with_kills_and_up_with_time() -> None:
    """Global ones and a policy's own; what has no limit is not shown."""
    scene = Scene(
        configured(
            policy(limits=Limits(per_day=3)),
            policy("other", windows=NIGHT, dry_run=True),
            limits=Limits(per_hour=2, concurrent=1),
        ),
        on.shop,
    )
    process = scene.leader()
    before = process.tape.last_standing
    assert before.limits_left == {
        ("", "perHour"): 2,
        ("", "concurrent"): 1,
        ("web", "perDay"): 3,
    }
    assert (before.window_open, before.dry_run) == (
        {"web": True, "other": False},
        {"web": False, "other": True},
    )
    process.attempt()
    process.observer.step()
    during = process.tape.last_standing
    assert during.limits_left == {
        ("", "perHour"): 1,
        ("", "concurrent"): 0,
        ("web", "perDay"): 2,
    }
    assert (during.open_intents, during.last_kills) == (1, {"web": scene.now()})
    scene.run(10)
    aged(scene, process, hours=1)
    after = process.tape.last_standing
    assert after.limits_left[("", "perHour")] == 2
    assert after.limits_left[("web", "perDay")] == 2
    assert after.ledger_bytes > 500


def test_a_halt_is_as_old_as_it_was_first_seen() -> None:
    """Neither an annotation nor the configuration says when it began; another text is another."""
    scene = Scene(configured(halted=True), on.shop)
    process = scene.leader()
    on.annotated(scene, process)
    aged(scene, process, seconds=1)
    first = scene.now()
    for _ in range(3):
        aged(scene, process, seconds=2)
        seen = process.tape.last_standing.halted
        assert {source: halt.at for source, halt in seen.items()} == {
            "annotation": first,
            "configuration": scene.start,
        }
    with scene.cluster.edit("configmaps", NAMESPACE, "chaosd-ledger") as item:
        item["metadata"]["annotations"] = {"chaosd.io/halt": "release"}
    aged(scene, process, seconds=2)
    again = process.tape.last_standing.halted["annotation"]
    assert (again.at, again.why) == (scene.now(), "release")


def test_a_policy_may_be_called_all() -> None:
    """Its limits are its own, and not those of all policies together."""
    limits = Limits(per_hour=7)
    own = policy("all", limits=Limits(per_hour=2))
    scene = Scene(configured(own, limits=limits), on.shop)
    process = scene.leader()
    left = process.tape.last_standing.limits_left
    assert (left["", "perHour"], left["all", "perHour"]) == (7, 2)


def test_without_a_ledger_it_says_why() -> None:
    """Gone, damaged, or not to be read at the moment."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    assert process.tape.last_standing.unusable == ""
    scene.fault(do="status", status=503, path="/configmaps/", count=1)
    process.observer.step()
    assert "could not be read" in process.tape.last_standing.unusable
    scene.write("{")
    process.observer.step()
    assert "ledger repair" in process.tape.last_standing.unusable
    scene.cluster.remove("configmaps", NAMESPACE, "chaosd-ledger")
    process.observer.step()
    assert "ledger init" in process.tape.last_standing.unusable
    assert process.context.unusable == process.tape.last_standing.unusable


def test_a_follower_shows_the_same_ledger() -> None:
    """And that it does not lead."""
    scene = Scene(configured(policy(schedule=Every(timedelta(minutes=1)))), on.shop)
    leader, follower = scene.process("a"), scene.process("b")
    scene.run(130)
    ours, theirs = leader.tape.last_standing, follower.tape.last_standing
    assert (ours.leading, theirs.leading) == (True, False)
    assert ours.last_kills
    assert theirs.last_kills == ours.last_kills


# ------------------------------------------------------------------ what is forgotten


def test_outcomes_are_forgotten_after_a_day_and_an_hour() -> None:
    """No limit looks back further; a policy's cooldown may."""
    scene = Scene(configured(policy(cooldown=timedelta(days=3))), on.shop)
    process = scene.leader()
    process.attempt()
    scene.run(10)
    assert len(aged(scene, process, hours=24.9).outcomes) == 1
    after = aged(scene, process, hours=0.5)
    assert (after.outcomes, len(after.last_kills)) == ({}, 1)
    assert aged(scene, process, days=2.1).last_kills == {}


def test_last_kills_are_kept_for_a_year_where_annotations_may_lengthen_gaps() -> None:
    """A workload may ask for any gap above the policy's."""
    scene = Scene(configured(policy(schedule=MEAN)), on.shop)
    process = scene.leader()
    process.attempt(workload=on.WEB)
    scene.run(10)
    assert len(aged(scene, process, days=365).last_kills) == 1
    assert aged(scene, process, days=2).last_kills == {}


def test_requests_are_forgotten_an_hour_after_they_expired() -> None:
    """Until then whoever asked can read the answer."""
    scene = Scene(fill=on.shop)
    process = scene.process()
    scene.run(5)
    now = scene.now()
    wish = Request("abcdefgh", "web", "ann", now, now + VALID)
    scene.book().change(lambda ledger: post(ledger, wish))
    scene.run(20)
    assert aged(scene, process, minutes=50).requests["abcdefgh"].answer == "killed"
    assert aged(scene, process, minutes=15).requests == {}


def test_nothing_is_forgotten_that_nobody_has_told() -> None:
    """Its Event could not be made, and its claim could not be written, for two days."""
    scene = Scene(fill=on.shop)
    process = scene.leader()
    process.attempt()
    scene.fault(do="status", status=500, verbs=("patch",), path="/configmaps/")
    scene.settle()
    process.observer.step()
    scene.clock.advance(timedelta(days=2))
    scene.sandbox.api.faults.clear()
    assert len(list(aged(scene, process, seconds=1).all_intents())) == 1
    scene.run(10)
    (found,) = scene.ledger().all_intents()
    assert (found.told, found.verdict_told) == ("a", "a")
    assert len(process.tape.results) == 1

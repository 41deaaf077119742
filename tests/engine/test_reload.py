"""Reloading: a bad file strikes nothing new and stops nothing else; a good one puts it right."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chaosd.core.ledger import Verdict
from chaosd.core.model import Code, Configuration, Limits
from chaosd.core.schedule import Every, Slot
from chaosd.core.window import Weekly, Windows
from chaosd.engine.attempt import SKIPPED
from chaosd.ports import Loaded
from chaosd.sandbox import Timings
from tests.engine import troubles as on
from tests.engine.process import Process
from tests.engine.scene import Scene, codes, configured, policy

MINUTELY = Every(timedelta(minutes=1))
LIVE = configured(policy(schedule=MINUTELY))


def since(process: Process, seen: int) -> list[str]:
    """The results of the slots after the first ``seen``."""
    return [ended.result for ended in process.ended[seen:]]


# ------------------------------------------------------------------ a bad file


def test_while_the_file_is_bad_every_slot_is_skipped_for_it() -> None:
    """The slots go on, each says why it strikes nothing, and a good file needs no restart."""
    scene = Scene(LIVE, on.shop)
    process = scene.process()
    scene.run(130)
    before = len(process.ended)
    scene.file.spoil()
    scene.run(180)
    bad = process.ended[before:]
    assert len(bad) >= 2
    assert all(Code.CONFIGURATION_INVALID in codes(ended) for ended in bad)
    assert "it is spoiled" in str(bad[-1].reasons)
    assert process.tape.last_standing.configuration_valid is False
    seen = len(process.ended)
    scene.file.write(LIVE, "third")
    scene.run(130)
    assert "killed" in since(process, seen)
    assert process.tape.last_standing.configuration_valid is True


def test_observing_and_telling_go_on_under_a_bad_file() -> None:
    """What was struck before is followed to its verdict."""
    scene = Scene(LIVE, on.shop, Timings(schedule=(0, 0), start=(20, 20), stop=(0, 0)))
    process = scene.leader()
    process.attempt()
    scene.file.spoil()
    scene.run(40)
    (intent,) = scene.ledger().outcomes.values()
    assert (intent.verdict, intent.told, intent.verdict_told) == (Verdict.RECOVERED, "a", "a")
    assert process.context.leading


def test_an_event_says_what_is_wrong_and_another_that_it_is_right_again() -> None:
    """Once each, however often the file is looked at."""
    scene = Scene(LIVE, on.shop)
    scene.process()
    scene.run(10)
    scene.file.spoil()
    scene.run(60)
    (bad,) = scene.events("ConfigurationInvalid")
    assert (bad["type"], "it is spoiled" in bad["message"]) == ("Warning", True)
    scene.file.write(LIVE, "third")
    scene.run(60)
    assert [item["type"] for item in scene.events("ConfigurationLoaded")] == ["Normal", "Normal"]
    assert len(scene.events("ConfigurationInvalid")) == 1
    asked = [one for one in scene.asked() if "/namespaces/chaosd/events" in one.path]
    assert len(asked) == 3


def test_an_event_that_can_not_be_made_is_made_later() -> None:
    """The API server was away when the file went bad."""
    scene = Scene(LIVE, on.shop)
    scene.process()
    scene.run(10)
    scene.fault(do="lost", verbs=("create",), path="/events$", count=4)
    scene.file.spoil()
    scene.run(5)
    assert not scene.events("ConfigurationInvalid")
    scene.run(30)
    assert len(scene.events("ConfigurationInvalid")) == 1


def test_other_mistakes_in_a_file_that_is_bad_already_are_told_too() -> None:
    """Somebody repairs one mistake and makes another: people see the newest."""
    scene = Scene(LIVE, on.shop)
    process = scene.process()
    scene.run(5)
    scene.file.spoil()
    scene.run(5)
    scene.file.loaded = Loaded(LIVE, ("another mistake",), "worse")
    scene.run(70)
    messages = [item["message"] for item in scene.events("ConfigurationInvalid")]
    assert ["another mistake" in message for message in sorted(messages)].count(True) == 1
    assert "another mistake" in str(process.ended[-1].reasons)


def test_without_any_valid_file_nothing_is_planned() -> None:
    """There never was one: the process leads and observes, and that is all."""
    scene = Scene(LIVE, on.shop)
    scene.file.loaded = Loaded(None, ("it never was valid",), "bad")
    process = scene.process()
    scene.run(150)
    assert process.context.leading
    assert process.ended == []
    assert process.tape.last_standing.configuration_valid is False
    assert process.attempt().result == SKIPPED


# ------------------------------------------------------------------ another good file


def planned(process: Process) -> list[Slot]:
    return sorted(process.slots, key=lambda slot: slot.at)


def test_the_slots_of_the_old_file_are_dropped_and_the_new_ones_planned_from_now() -> None:
    """From the next look on only the new schedule runs, and it runs from its next slot."""
    scene = Scene(LIVE, on.shop)
    process = scene.process()
    scene.run(100)
    assert len(planned(process)) >= 3
    new = configured(policy("other", schedule=Every(timedelta(minutes=2))))
    scene.file.write(new, "second")
    scene.run(4.5)
    assert {slot.policy for slot in planned(process)} == {"other"}
    assert all(slot.at > scene.now() - timedelta(seconds=5) for slot in planned(process))
    seen = len(process.ended)
    scene.run(250)
    assert {a.partition("/")[0] for a, _, _ in process.tape.attempts[seen:]} == {"other"}
    assert since(process, seen).count("killed") >= 2


def test_a_reload_forgets_no_limit() -> None:
    """The ledger outlives every file."""
    limited = configured(policy(schedule=MINUTELY), limits=Limits(per_hour=2))
    scene = Scene(limited, on.shop)
    process = scene.process()
    for fingerprint in "abcde":
        scene.run(90)
        scene.file.write(limited, fingerprint)
    assert len(scene.victims()) == 2
    assert codes(process.ended[-1]) == {Code.LIMIT_PER_HOUR}


def no_policy() -> Configuration:
    return configured(policy("another", schedule=Every(timedelta(days=300))))


def halted_file() -> Configuration:
    return configured(policy(schedule=MINUTELY), halted=True)


def closed_windows() -> Configuration:
    night = Windows("UTC", ((Weekly(frozenset(range(7)), 3600, 7200),),))
    return configured(policy(schedule=MINUTELY, windows=night))


def dry() -> Configuration:
    return configured(policy(schedule=MINUTELY, dry_run=True))


@pytest.mark.parametrize("new", [no_policy, halted_file, closed_windows, dry])
def test_what_was_struck_is_followed_whatever_the_new_file_says(new: object) -> None:
    """Its policy gone, halted, closed or in dry run: the observation is the intent's own."""
    assert callable(new)
    scene = Scene(LIVE, on.shop, Timings(schedule=(0, 0), start=(20, 20), stop=(0, 0)))
    process = scene.leader()
    process.attempt()
    scene.file.write(new(), "second")
    scene.run(40)
    (intent,) = [one for one in scene.ledger().outcomes.values() if not one.dry_run]
    assert intent.verdict is Verdict.RECOVERED
    assert len(scene.victims()) == 1

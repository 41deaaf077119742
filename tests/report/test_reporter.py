"""What the engine reports becomes log lines, and is remembered for the status."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from chaosd.core.ledger import Halt
from chaosd.core.model import Code, Reason
from chaosd.core.status import LastAttempt
from chaosd.core.transitions import halt
from chaosd.engine.book import LedgerUnusable
from chaosd.ports import Standing, Unanswered
from chaosd.report.repeats import Repeats, alike
from tests.core.test_status_nodes import drain
from tests.engine.test_tell_nodes import draining
from tests.report.scene import START, Scene, Time, configuration, nights, policy

QUIET = Standing(
    leading=True,
    configuration_valid=True,
    paused={"web": False},
    window_open={"web": True},
    dry_run={"web": False},
)


def events(scene: Scene) -> list[str]:
    return [line["event"] for line in scene.lines()]


def after(scene: Scene) -> None:
    """Forget the lines so far."""
    scene.out.seek(0)
    scene.out.truncate()


def test_every_step_of_a_kill_names_intent_action_policy_workload_and_victim() -> None:
    """A kill can be followed by its intent id from reservation to verdict."""
    scene = Scene()
    scene.attempt()
    scene.watch(34)
    mine = [line for line in scene.lines() if line.get("victim")]
    assert [line["event"] for line in mine] == [
        *("reserved", "settled", "result reported", "observed", "verdict reported"),
    ]
    assert {
        (line["intent"], line["actionId"], line["policy"], line["workload"], line["victim"])
        for line in mine
    } == {
        (
            "d53f9ef077be5f3ddebc",
            "web/*/2026-11-05T10:00:00Z#0",
            "web",
            "shop/Deployment/web",
            "shop/web-7f9c-x2k4p",
        )
    }


def test_a_skipped_attempt_tells_all_its_reasons() -> None:
    """Each reason comes with its code and its detail, at info: a skip is no failure."""
    scene = Scene(configuration(policy(windows=nights()), halted=True))
    after(scene)
    scene.attempt()
    (line,) = scene.lines()
    assert (line["level"], line["event"], line["result"]) == ("info", "attempt ended", "skipped")
    assert line["reasons"] == [
        {"code": "halted", "detail": "by the configuration: halted: true"},
        {
            "code": "windowClosed",
            "detail": "outside every allow window (Mon-Sun 22:00-06:00 UTC)",
        },
    ]
    assert "intent" not in line


def test_what_did_not_recover_is_a_warning() -> None:
    """An alert on log levels finds the workload that is down."""
    scene = Scene()
    scene.attempt()
    scene.watch(601, whole=False)
    (line,) = [line for line in scene.lines() if line["level"] == "warning"]
    assert (line["verdict"], line["workload"]) == ("notRecovered", "shop/Deployment/web")


def test_a_dry_run_says_so_on_each_line() -> None:
    """Nobody takes a dry run's lines for a kill."""
    scene = Scene(configuration(policy(dry_run=True)))
    scene.attempt()
    assert all(line["dryRun"] for line in scene.lines() if line.get("victim"))


def test_a_failure_that_goes_on_is_logged_once_a_minute_with_a_count() -> None:
    """Sixty failures in a minute are one line; the next one says how many were left out."""
    scene = Scene()
    after(scene)
    for number in range(61):
        scene.reporter.failed("lead", Unanswered(f"no answer in {number} ms"))
        scene.time.passes(1)
    first, second = scene.lines()
    assert "repeated" not in first
    assert second["repeated"] == 59
    assert scene.value("chaosd_failures_total", what="lead") == 61


def test_different_failures_are_all_logged() -> None:
    """Another call, another error or another kind of error is news."""
    scene = Scene()
    after(scene)
    scene.reporter.failed("lead", Unanswered("no answer"))
    scene.reporter.failed("survey the workloads", Unanswered("no answer"))
    scene.reporter.failed("lead", Unanswered("reset"))
    scene.reporter.failed("lead", OSError("no answer"))
    assert len(scene.lines()) == 4


@pytest.mark.parametrize("error", [Unanswered("no answer"), LedgerUnusable("the ledger is gone")])
def test_an_error_of_ours_is_a_sentence(error: Exception) -> None:
    """What chaosd foresees is a warning that says what happened, without a traceback."""
    scene = Scene()
    after(scene)
    scene.reporter.failed("lead", error)
    (line,) = scene.lines()
    assert (line["level"], line["doing"], line["error"]) == ("warning", "lead", str(error))
    assert "exception" not in line


def test_an_error_that_nobody_foresaw_comes_with_its_traceback() -> None:
    """A mistake in the program is an error with everything that helps to find it."""
    scene = Scene()
    after(scene)
    try:
        dict[str, str]()["missing"]
    except KeyError as error:
        scene.reporter.failed("loop observe", error)
    (line,) = scene.lines()
    assert (line["level"], line["kind"]) == ("error", "KeyError")
    assert "test_reporter.py" in line["exception"]


def test_a_step_that_repeats_itself_does_not_flood() -> None:
    """A drain that waits for its window says so once a minute, for each intent."""
    scene = Scene()
    scene.attempt()
    ledger = scene.context.book.read().ledger
    (intent,) = ledger.intents.values()
    after(scene)
    for _ in range(30):
        scene.reporter.stepped(intent, "waiting", why="halted: by alice")
        scene.time.passes(1)
    other = msgspec.structs.replace(intent, id="0" * 20)
    scene.reporter.stepped(other, "waiting", why="halted: by alice")
    assert [line["intent"] for line in scene.lines()] == [intent.id, other.id]


@pytest.mark.parametrize(
    ("before", "now", "event", "level"),
    [
        ({}, {"halted": {"command": Halt("alice", "freeze", START)}}, "halted", "warning"),
        ({"halted": {"command": Halt("alice", "freeze", START)}}, {}, "halt taken back", "warning"),
        ({}, {"paused": {"web": True}}, "paused", "warning"),
        ({"paused": {"web": True}}, {}, "resumed", "warning"),
        ({}, {"window_open": {"web": False}}, "window closed", "info"),
        ({"window_open": {"web": False}}, {}, "window opened", "info"),
        ({}, {"unusable": "it is gone"}, "the ledger can't be used: no kills", "error"),
        ({"unusable": "it is gone"}, {}, "the ledger can be used again", "info"),
    ],
)
def test_a_change_of_standing_is_one_line(
    before: dict[str, object], now: dict[str, object], event: str, level: str
) -> None:
    """What begins or ends is logged when it does, and not at every look."""
    scene = Scene()
    scene.reporter.standing(msgspec.structs.replace(QUIET, **before))
    after(scene)
    for _ in range(3):
        scene.reporter.standing(msgspec.structs.replace(QUIET, **now))
    assert [(line["event"], line["level"]) for line in scene.lines()] == [(event, level)]


def test_a_halt_in_force_at_the_start_is_logged() -> None:
    """Whoever reads the log of a restarted process sees why it does nothing."""
    scene = Scene()
    book, stop = scene.context.book, Halt("alice", "freeze", START)
    book.change(lambda ledger: halt(ledger, stop))
    scene.observer.step()
    scene.observer.step()
    assert events(scene).count("halted") == 1


def test_an_unusable_ledger_ends_no_halt() -> None:
    """While the ledger can't be read nobody is told that a halt was taken back."""
    scene = Scene()
    halted = msgspec.structs.replace(QUIET, halted={"command": Halt("alice", "freeze", START)})
    blind = Standing(leading=True, configuration_valid=True, unusable="it is gone")
    after(scene)
    for standing in (halted, blind, blind, halted):
        scene.reporter.standing(standing)
    assert events(scene) == [
        "halted",
        "the ledger can't be used: no kills",
        "the ledger can be used again",
    ]


def test_a_bad_configuration_is_a_warning_with_its_problems() -> None:
    """What is wrong with the file stands in the log; a good one is plain news."""
    scene = Scene()
    after(scene)
    scene.time.passes(60)
    scene.reporter.noted("the configuration is invalid", problems=["line 3: 25:00 is no time"])
    scene.reporter.noted("loaded the configuration", fingerprint="0123")
    bad, good = scene.lines()
    assert (bad["level"], bad["problems"]) == ("warning", ["line 3: 25:00 is no time"])
    assert good["level"] == "info"
    loaded = scene.value("chaosd_configuration_last_load_success_timestamp_seconds")
    assert loaded == scene.time.now().timestamp()


def test_the_newest_attempt_and_survey_are_remembered() -> None:
    """The status page can say what each policy did last, also when it did nothing."""
    scene = Scene(configuration(policy(), policy("night", windows=nights())))
    scene.attempt("night")
    scene.attempt()
    scene.reporter.planned({"web": START + timedelta(hours=1)})
    closed = Reason(Code.WINDOW_CLOSED, "outside every allow window (Mon-Sun 22:00-06:00 UTC)")
    assert scene.reporter.last_attempts() == {
        "web": LastAttempt(START, "web/*/2026-11-05T10:00:00Z#0", "killed"),
        "night": LastAttempt(START, "night/*/2026-11-05T10:00:00Z#0", "skipped", (closed,)),
    }
    assert scene.reporter.funnels() == {"web": {"eligible": 1, "rollout": 1}}
    known = scene.reporter.known("me")
    assert (known.holder, known.next_slots) == ("me", {"web": START + timedelta(hours=1)})


def test_what_is_gone_is_forgotten() -> None:
    """Policies that left the configuration leave the memory, and next slots end with leading."""
    scene = Scene()
    scene.reporter.planned({"web": START})
    scene.attempt()
    scene.attempt("gone")
    scene.reporter.standing(QUIET)
    assert set(scene.reporter.last_attempts()) == {"web"}
    assert scene.reporter.known("me").next_slots
    scene.reporter.standing(msgspec.structs.replace(QUIET, leading=False))
    assert not scene.reporter.known("me").next_slots


def test_a_memory_of_repeats_stays_small_and_knows_the_newest() -> None:
    """Thousands of different failures don't fill the memory."""
    time = Time()
    repeats = Repeats(time.now)
    for number in range(5000):
        assert repeats.due(number) == 0
    assert repeats.due(4999) is None
    assert repeats.due(0) == 0


def test_a_clock_that_goes_back_silences_nothing() -> None:
    """After a clock was set back an hour, the next line comes at once."""
    time = Time()
    repeats = Repeats(time.now)
    assert repeats.due("x") == 0
    time.passes(-3600)
    assert repeats.due("x") == 0
    assert repeats.due("x") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("timed out after 1.5 s", "timed out after 12.25 s"),
        ("at 0x7f18e6a1a310", "at 0x55d0c0ffee00"),
        ("uid 6f1c1e0a-0b1c-4c7e-9a51-0d8f0a7e2b11", "uid 00000000-0b1c-4c7e-9a51-0d8f0a7e2b1f"),
    ],
)
def test_numbers_make_no_other_failure(one: str, other: str) -> None:
    """Errors that differ in figures only count as the same."""
    assert alike(one) == alike(other)


def test_a_step_of_a_drain_names_its_pod() -> None:
    """Whoever looks for a pod finds which drain took it, and later lines are about the node."""
    scene = Scene()
    scene.reporter.stepped(draining(), "settled", outcome="killed")
    scene.reporter.stepped(draining(), "put back", detail="node n1 takes pods again")
    scene.reporter.stepped(drain(), "settled", outcome="done")
    eviction, back, taint = scene.lines()[-3:]
    assert (eviction["victim"], eviction["step"], eviction["pod"]) == ("n1", 4, "shop/web-4")
    assert "pod" not in back
    assert "pod" not in taint


def test_each_step_of_a_drain_is_one_line() -> None:
    """Evictions that end alike are no repetition of each other."""
    scene = Scene()
    first = draining()
    last = first.steps[-1]
    second = msgspec.structs.replace(
        first, steps=(*first.steps, msgspec.structs.replace(last, number=last.number + 1))
    )
    for intent in (first, first, second):
        scene.reporter.stepped(intent, "settled", outcome="killed")
    steps = [line["step"] for line in scene.lines() if line["event"] == "settled"]
    assert steps == [last.number, last.number + 1]

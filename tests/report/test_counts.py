"""Each thing that happens counts, and counts once."""

from __future__ import annotations

import pytest

from chaosd.core.ledger import StepState
from chaosd.ports import Struck
from tests.report.scene import Scene, configuration, nights, policy

KILL = {"target": "pod", "policy": "web", "namespace": "shop", "action": "evict"}


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (StepState.KILLED, "killed"),
        (StepState.REFUSED, "refused"),
        (StepState.FAILED, "failed"),
    ],
)
def test_a_result_counts_once_however_often_one_looks(state: StepState, result: str) -> None:
    """An attempt and its result are one each, after many rounds of the observer."""
    scene = Scene()
    scene.pods.struck = Struck(state)
    scene.attempt()
    for _ in range(5):
        scene.watch(5)
    assert scene.value("chaosd_kills_total", **KILL, result=result) == 1
    assert scene.value("chaosd_attempts_total", policy="web", target="pod", result=result) == 1


def test_a_dry_run_counts_as_one() -> None:
    """A dry run is an attempt and a kill with a result of its own, never a kill."""
    scene = Scene(configuration(policy(dry_run=True)))
    scene.attempt()
    scene.watch(5)
    assert scene.value("chaosd_kills_total", **KILL, result="dryRun") == 1
    assert scene.value("chaosd_kills_total", **KILL, result="killed") is None
    assert scene.value("chaosd_dry_run", policy="web") == 1


def test_a_recovery_is_measured_once() -> None:
    """A verdict counts once, and the seconds are those that its Event tells."""
    scene = Scene()
    scene.attempt()
    for _ in range(3):
        scene.watch(34)
    assert scene.value("chaosd_verdicts_total", policy="web", verdict="recovered") == 1
    of_web = {"policy": "web", "namespace": "shop"}
    assert scene.value("chaosd_recovery_seconds_count", **of_web) == 1
    assert scene.value("chaosd_recovery_seconds_sum", **of_web) == 34
    assert any("recovered 34 s after" in notice.message for notice in scene.around.made)


def test_what_heals_too_late_has_no_recovery_time() -> None:
    """A workload past its deadline counts as notRecovered for good, and is shown until it heals."""
    scene = Scene()
    scene.attempt()
    scene.watch(600, whole=False)
    assert scene.value("chaosd_unrecovered") == 0
    scene.watch(1, whole=False)
    assert scene.value("chaosd_unrecovered") == 1
    scene.watch(60)
    scene.watch(1)
    assert scene.value("chaosd_unrecovered") == 0
    assert scene.value("chaosd_verdicts_total", policy="web", verdict="notRecovered") == 1
    assert scene.value("chaosd_verdicts_total", policy="web", verdict="recovered") == 0
    of_web = {"policy": "web", "namespace": "shop"}
    assert scene.value("chaosd_recovery_seconds_count", **of_web) is None


def test_a_skip_counts_under_each_of_its_reasons() -> None:
    """One skipped attempt with two reasons is one attempt and two skips."""
    scene = Scene(configuration(policy(windows=nights()), halted=True))
    scene.attempt()
    assert scene.value("chaosd_attempts_total", policy="web", target="pod", result="skipped") == 1
    for reason in ("halted", "windowClosed"):
        assert scene.value("chaosd_skips_total", policy="web", reason=reason) == 1


def test_the_same_reason_twice_is_one_skip() -> None:
    """Two halts at once are two details of one reason."""
    scene = Scene(configuration(halted=True))
    document = scene.ledger.document
    assert document is not None
    scene.ledger.swap(document, document.text, {"chaosd.io/halt": "stop"})
    scene.attempt()
    assert scene.value("chaosd_skips_total", policy="web", reason="halted") == 1


def test_a_late_slot_is_missed_once_whatever_its_count() -> None:
    """Each victim of a late slot is a skipped attempt; the slot itself is missed once."""
    scene = Scene(configuration(policy(count=3)))
    scene.attempt(late=60)
    assert scene.value("chaosd_skips_total", policy="web", reason="tooLate") == 3
    assert scene.value("chaosd_slots_missed_total", policy="web") == 1


def test_a_slot_without_a_policy_has_an_unknown_target() -> None:
    """A slot whose policy is gone from the configuration still counts."""
    scene = Scene()
    scene.attempt("gone")
    assert (
        scene.value("chaosd_attempts_total", policy="gone", target="unknown", result="skipped") == 1
    )


def test_requests_count_by_code_and_take_time() -> None:
    """The adapter's callback counts each request and its duration; clocks that jump do no harm."""
    scene = Scene()
    scene.metrics.observe_request("create", "pods/eviction", "429", 0.02)
    scene.metrics.observe_request("create", "pods/eviction", "201", -1.0)
    of = {"verb": "create", "resource": "pods/eviction"}
    assert scene.value("chaosd_api_requests_total", **of, code="429") == 1
    assert scene.value("chaosd_api_request_duration_seconds_count", **of) == 2
    assert scene.value("chaosd_api_request_duration_seconds_sum", **of) == 0.02


def test_first_events_are_increases() -> None:
    """Series of a known policy begin at zero, so that Prometheus sees their first event."""
    scene = Scene()
    scene.observer.step()
    assert scene.value("chaosd_slots_missed_total", policy="web") == 0
    assert scene.value("chaosd_verdicts_total", policy="web", verdict="notRecovered") == 0

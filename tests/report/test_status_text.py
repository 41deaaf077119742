"""The plain text at `/`: what somebody reads at 3 a.m."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Halt
from chaosd.core.model import Reason
from chaosd.core.status import Known, Status, status
from chaosd.core.transitions import halt
from chaosd.engine.book import HALT_ANNOTATION as ENGINES_ANNOTATION
from chaosd.report.status_text import HALT_ANNOTATION, render
from tests.core.test_status import ledger
from tests.core.test_status_nodes import drain
from tests.report.scene import START, Scene, configuration, nights, policy


def told(scene: Scene) -> Status:
    """The status as a daemon puts it together."""
    page = scene.context.book.read()
    around = scene.context.around(page, scene.context.loaded.fingerprint)
    known = scene.reporter.known(scene.context.holder)
    return status(page.ledger, scene.context.loaded.configuration, around, known=known)


def stop(scene: Scene, why: str = "deploy freeze") -> None:
    at = scene.time.now()
    scene.context.book.change(lambda ledger: halt(ledger, Halt("alice", why, at)))


def section(text: str, title: str) -> list[list[str]]:
    """The rows of a table, split at its columns."""
    block = next(part for part in text.split("\n\n") if part.startswith(title))
    return [re.split(r" {3,}", line.strip()) for line in block.splitlines()[1:]]


def test_the_first_line_says_that_victims_can_be_killed() -> None:
    """It names the policies that could strike, and the next slot."""
    scene = Scene(configuration(policy(), policy("night", windows=nights())))
    scene.reporter.planned({"web": START + timedelta(minutes=3)})
    first, second, *_ = render(told(scene)).splitlines()
    assert first == "Victims CAN be killed now, by web; next slot web 10:03:00Z (in 3m)"
    assert second == (
        "  not by night: windowClosed: outside every allow window (Mon-Sun 22:00-06:00 UTC)"
    )


def test_the_first_line_says_why_nothing_can() -> None:
    """The first reason stands in the first line, the others right below."""
    scene = Scene(configuration(policy(windows=nights())))
    stop(scene)
    first, second, *_ = render(told(scene)).splitlines()
    assert first == (
        "NOTHING can be killed now: halted: by alice: deploy freeze (and 1 more, below)"
    )
    assert second == "  windowClosed: outside every allow window (Mon-Sun 22:00-06:00 UTC)"


def test_not_knowing_is_said() -> None:
    """A command without a configuration does not pretend to know."""
    text = render(status(Scene().context.book.read().ledger, None, Circumstances(now=START)))
    assert text.startswith("UNKNOWN whether anything can be killed now: no configuration")


def test_it_says_how_to_stop() -> None:
    """Both ways stand there ready to be copied, with the ledger's own name."""
    text = render(told(Scene()), namespace="chaos", ledger="book")
    assert 'chaosd halt --reason "why"' in text
    assert 'kubectl annotate configmap book -n chaos chaosd.io/halt="why"' in text
    assert "Let it go on" not in text


def test_the_annotation_is_the_one_that_the_engine_reads() -> None:
    """The command that is shown really stops it."""
    assert HALT_ANNOTATION == ENGINES_ANNOTATION


def test_each_halt_says_how_to_take_it_back() -> None:
    """A halt of each source comes with its own way out, with who, why and since when."""
    scene = Scene(configuration(halted=True))
    document = scene.ledger.document
    assert document is not None
    stop(scene)
    scene.time.passes(90)
    annotated = scene.ledger.read()
    assert annotated is not None
    scene.ledger.swap(annotated, annotated.text, {"chaosd.io/halt": "by bob"})
    text = render(told(scene))
    assert "Let it go on:  chaosd resume   (halted by command)" in text
    assert "kubectl annotate configmap chaosd-ledger -n chaosd chaosd.io/halt-" in text
    assert "set `halted: false` in the configuration" in text
    assert section(text, "HALTS")[1:] == [
        ["everything", "command", "alice", "deploy freeze", "10:00:00Z (90s ago)"],
        ["everything", "annotation", "annotation", "by bob", "no time is known"],
        ["everything", "configuration", "the configuration", "halted: true", "no time is known"],
    ]


def test_a_halt_without_a_time_is_as_old_as_it_was_seen() -> None:
    """Who looks all the time knows at least that."""
    around = Circumstances(now=START, annotation_halt="by bob")
    known = Known(halts_seen={"annotation": START - timedelta(minutes=5)})
    text = render(status(ledger(), configuration(), around, known=known))
    assert section(text, "HALTS")[1][4] == "seen since 09:55:00Z (5m ago)"


def test_a_pause_of_no_policy_is_told() -> None:
    """Somebody has mistyped the name: the policy that was meant goes on."""
    book = ledger(paused={"nope": Halt("alice", "x", START), "web": Halt("alice", "y", START)})
    text = render(status(book, configuration(), Circumstances(now=START)))
    stopped = [row[0] for row in section(text, "HALTS")[1:]]
    assert stopped == ["policy nope (NO POLICY OF THAT NAME)", "policy web"]
    unread = render(status(book, None, Circumstances(now=START)))
    assert "NO POLICY OF THAT NAME" not in unread


def test_whoever_found_nobody_at_the_last_look_is_told() -> None:
    """A policy that may strike and has no candidate is no promise of a kill."""
    scene = Scene(configuration(policy(), policy("other")))
    scene.reporter.sifted("web", {"rollout": 2})
    scene.time.passes(120)
    scene.lead.step()
    first, second, *_ = render(told(scene)).splitlines()
    assert first == "Victims CAN be killed now, by other"
    assert second == "  web: no candidate was eligible at the last look, 10:00:00Z (2m ago)"
    scene.reporter.sifted("other", {})
    first = render(told(scene)).splitlines()[0]
    assert first.endswith(", by web, other, but no candidate was eligible at the last look")
    scene.reporter.sifted("web", {"rollout": 2, "eligible": 1})
    assert render(told(scene)).splitlines()[0] == "Victims CAN be killed now, by web"


def test_an_unrecovered_workload_comes_with_its_command() -> None:
    """The table names what to type when a person has looked and found it fine."""
    scene = Scene()
    scene.attempt()
    scene.watch(605, whole=False)
    text = render(told(scene))
    assert section(text, "UNRECOVERED")[1] == [
        "shop/Deployment/web",
        "web",
        "10:10:01Z (4s ago)",
        "2 of 3 Ready",
        "chaosd forgive shop/Deployment/web",
    ]
    assert section(text, "UNDER WAY")[1][3] == "unrecovered"


def test_the_tables_tell_policies_limits_and_outcomes() -> None:
    """After a kill and its recovery everything stands in its column."""
    scene = Scene(configuration(policy(), policy("dry", dry_run=True, windows=nights())))
    scene.attempt()
    scene.watch(34)
    scene.attempt("dry")
    text = render(told(scene))
    assert section(text, "POLICIES") == [
        ["policy", "does", "mode", "window", "until", "next slot", "last attempt", "because"],
        ["web", "evict pod", "live", "open", "-", "-", "killed 10:00:00Z (34s ago)", "always open"],
        [
            *("dry", "evict pod", "dry run", "closed", "22:00:00Z (in 11h59m26s)", "-"),
            "skipped 10:00:34Z (now)",
            "outside every allow window (Mon-Sun 22:00-06:00 UTC)",
        ],
    ]
    assert section(text, "LIMITS")[1] == ["all", "kills", "perHour", "1 of 6", "5"]
    assert section(text, "LAST OUTCOMES")[1] == [
        "10:00:00Z (34s ago)",
        "web",
        "shop/Deployment/web",
        "shop/web-7f9c-x2k4p",
        "killed",
        "recovered in 34 s",
        "d53f9ef077be5f3ddebc",
    ]
    assert section(text, "WHY THE LAST ATTEMPT STRUCK NOTHING")[1][:2] == ["dry", "windowClosed"]


def test_an_unusable_ledger_and_a_bad_file_are_told() -> None:
    """Both kinds of trouble stand near the top, with what is wrong."""
    around = Circumstances(now=START, problems=("line 3: 25:00 is no time",))
    found = status(None, configuration(), around, ledger_problem="the ledger is gone")
    text = render(found)
    assert text.startswith("NOTHING can be killed now: ledgerUnreadable: the ledger is gone")
    assert "Ledger: the ledger is gone" in text
    assert "CONFIGURATION INVALID" in text
    assert "  line 3: 25:00 is no time" in text


@pytest.mark.parametrize(
    ("why", "shown"),
    [
        ("a\n\nNOTHING to see", "a NOTHING to see"),
        ("\x1b[2Jgone\r\x07", " [2Jgone "),
        ("[bold]look[/bold] :boom:", "[bold]look[/bold] :boom:"),
        ("ü 日本", "ü 日本"),
    ],
)
def test_what_people_type_cannot_disturb_the_page(why: str, shown: str) -> None:
    """Reasons are shown as they are, on one line, and no terminal obeys them."""
    scene = Scene()
    stop(scene, why)
    text = render(told(scene))
    assert f"halted: by alice: {shown}" in text.splitlines()[0]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)


def test_lines_don_t_wrap_or_trail() -> None:
    """A long detail stays on its line, and no line ends in blanks."""
    scene = Scene(configuration(policy(windows=nights())))
    scene.attempt()
    long = Reason(told(scene).policies[0].against[0].code, "x" * 500)
    scene.reporter.attempted("web", "pod", "web/*/x#0", "skipped", (long,))
    text = render(told(scene))
    assert "x" * 500 in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("changes", "against"),
    [
        ({}, {}),
        ({"halted": True}, {}),
        ({}, {"windows": nights()}),
        ({"halted": True}, {"windows": nights()}),
    ],
)
def test_the_page_and_an_attempt_agree(changes: dict[str, Any], against: dict[str, Any]) -> None:
    """What the status says about a policy is what its next attempt is skipped for."""
    scene = Scene(configuration(policy(**against), **changes))
    foretold = told(scene)
    scene.attempt()
    happened = scene.reporter.last_attempts()["web"]
    assert foretold.policies[0].against == happened.reasons
    assert foretold.can_kill == (happened.result == "killed")


def test_nodes_out_of_service_come_before_all_else() -> None:
    """Who holds a node, since and until when, what is left on it, and how to have it back."""
    held = status(ledger(drain()), configuration(), Circumstances(now=START))
    headers, row = section(render(held), "NODES OUT OF SERVICE")

    assert headers[-1] == "seen"
    assert dict(zip(headers, row, strict=True)) == {
        "node": "n1",
        "policy": "weekly",
        "state": "draining",
        "since": "09:54:00Z (6m ago)",
        "back by": "10:08:58Z (in 8m58s)",
        "pods left": "1",
        "intent": "a" * 20,
        "put it back": "chaosd undo n1",
        "seen": "1 pods left; shop/web-1: disruptionBudget",
    }


def test_a_node_that_was_called_off_is_back_at_once() -> None:
    """It waits for nothing any more."""
    held = status(ledger(drain(ended_by="ann")), configuration(), Circumstances(now=START))

    assert "puttingBack" in render(held)
    assert "at once" in render(held)

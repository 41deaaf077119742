"""Pages of the documentation that must say what the program does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from chaosd.core.backup import SnapshotTried
from chaosd.core.leaderless import EtcdCost
from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import Action, Victim
from chaosd.core.quorum import Member
from chaosd.engine.reload import Reload
from chaosd.engine.tell import notices, step_notices
from chaosd.ports import Loaded, Notice, Struck
from chaosd.report.reference import markdown
from tests.core import ledgers
from tests.core.test_status_nodes import drain
from tests.engine.test_tell_nodes import draining
from tests.report.etcd_scene import MAIN, member, picture
from tests.report.scene import START, Scene, configuration, nights, policy

DOCS = Path(__file__).parent.parent.parent / "docs"
ETCD_IDS = {
    "etcd-0": "8211f1d0f64f3269",
    "etcd-1": "8e9e05c52164694d",
    "etcd-2": "91bc3c398fb3c146",
}


def blocks(language: str) -> list[str]:
    """The fenced blocks of docs/logs-and-events.md in a language."""
    page = (DOCS / "logs-and-events.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def killed() -> Scene:
    scene = Scene()
    start_over(scene)
    scene.attempt()
    scene.watch(34)
    return scene


def skipped() -> Scene:
    scene = Scene(configuration(policy(windows=nights())))
    start_over(scene)
    scene.attempt()
    return scene


def refused() -> Scene:
    scene = Scene()
    start_over(scene)
    needs = "The disruption budget web needs 2 healthy pods and has 2 currently"
    scene.pods.struck = Struck(StepState.REFUSED, needs)
    scene.attempt()
    scene.watch(5)
    return scene


def unrecovered() -> Scene:
    scene = Scene()
    scene.attempt()
    scene.watch(1, whole=False)
    start_over(scene)
    scene.watch(600, whole=False)
    return scene


def etcd_states() -> Scene:
    """A cluster that is well and loses a member, and its backup and snapshot likewise."""
    scene = Scene()
    start_over(scene)
    reporter = scene.reporter
    reporter.etcd_declared((MAIN,))
    at = {name: f"https://10.0.0.{number}:2379" for number, name in enumerate(ETCD_IDS, 1)}
    for hours, silent in ((3, ""), (25, "etcd-2")):
        error = f"{at['etcd-2']}: Connection refused"
        reporter.etcd_pictured(
            picture(*(_member(name, error if name == silent else "") for name in ETCD_IDS)),
            leading=True,
        )
        reporter.etcd_backup(MAIN, timedelta(hours=hours))
        error = f"{at['etcd-1']}: no whole answer in time" if silent else ""
        tried = SnapshotTried(scene.time.now(), error, 23_076_864, 0.8713, START)
        reporter.etcd_snapshots({MAIN.name: tried})
        scene.time.passes(22 * 3600)
    return scene


def _member(name: str, error: str) -> Member:
    leader = "" if error else ETCD_IDS["etcd-0"]
    return member(name, id=ETCD_IDS[name], known=(), leader=leader, error=error)


def etcd_verdict() -> Scene:
    """What the loss of a leader has cost."""
    scene = Scene()
    start_over(scene)
    struck = ledgers.intent(
        "etcd",
        MAIN.key,
        START,
        action_id="etcd/*/2026-11-05T10:00:00Z#0",
        victim=Victim("etcd", "etcd-0", "0a1b2c3d", "4711", "node-2"),
        verdict=Verdict.RECOVERED,
        etcd={MAIN.name: EtcdCost(1.234, 1.41, 80, 3, 1)},
    )
    scene.time.passes(8)
    scene.reporter.judged(struck)
    return scene


def start_over(scene: Scene) -> None:
    """Forget the log lines so far."""
    scene.out.seek(0)
    scene.out.truncate()


LOGGED = (killed, skipped, refused, unrecovered, etcd_verdict, etcd_states)


def told(notice: Notice) -> str:
    kind = "Warning" if notice.warning else "Normal"
    about = f"{notice.kind}/{notice.object_name}"
    return f"{kind:8} {notice.reason:18} {about:20} {notice.message}\n"


def test_the_reference_of_metrics_is_fresh() -> None:
    """docs/metrics.md is what the registry says."""
    assert (DOCS / "metrics.md").read_text() == markdown(), (
        "docs/metrics.md is stale: write chaosd.report.reference.markdown() to it"
    )


@pytest.mark.parametrize(("number", "scene"), list(enumerate(LOGGED)))
def test_the_log_lines_of_the_page_are_those_of_a_run(
    number: int, scene: Callable[[], Scene]
) -> None:
    """The examples in docs/logs-and-events.md are what the engine logs, to the letter."""
    assert blocks("json")[number] == scene().out.getvalue()


def test_the_events_of_the_page_are_those_of_a_run() -> None:
    """So are the Events of a kill and its recovery."""
    assert blocks("text")[0] == "".join(told(notice) for notice in killed().around.made)


def test_the_events_of_a_drain_are_those_of_the_page() -> None:
    """On each pod that it took, and on the node."""
    first, *_ = draining().steps
    gone = [step for step in draining().steps if step.state is StepState.KILLED]
    intent = drain(result=Result.KILLED, steps=(first, *gone), detail="")
    made = [*step_notices(intent), *notices(intent, verdict=False)]
    healed = msgspec.structs.replace(intent, verdict=Verdict.RECOVERED, verdict_at=START)
    made += notices(healed, verdict=True)
    assert blocks("text")[1] == "".join(told(notice) for notice in made)


def test_every_reason_of_an_event_is_explained() -> None:
    """The page's table has each reason that an Event can have, with its type, and no other."""
    intent = next(iter(killed().context.book.read().ledger.outcomes.values()))
    made = []
    for result in Result:
        for action in Action:
            one = msgspec.structs.replace(intent, result=result, action=action)
            made += notices(one, verdict=False)
    for verdict in Verdict:
        made += notices(msgspec.structs.replace(intent, verdict=verdict), verdict=True)
    scene = Scene()
    about = Notice("", "Pod", "chaosd", "chaosd-0", "", "", START)
    reload = Reload(scene.context, about)
    for problems in (("line 3: 25:00 is no time",), ()):
        scene.around.loaded = Loaded(configuration(), problems, f"another {problems}")
        reload.step()
    made += scene.around.made
    page = (DOCS / "logs-and-events.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (Normal|Warning) \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(
        {(notice.reason, "Warning" if notice.warning else "Normal") for notice in made}
    )

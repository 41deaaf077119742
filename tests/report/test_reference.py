"""Pages of the documentation that must say what the program does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chaosd.core.ledger import Result, StepState, Verdict
from chaosd.core.model import Action
from chaosd.engine.reload import Reload
from chaosd.engine.tell import notices, step_notices
from chaosd.ports import Loaded, Notice, Struck
from chaosd.report.reference import markdown
from tests.core.test_status_nodes import drain
from tests.engine.test_tell_nodes import draining
from tests.report.scene import START, Scene, configuration, nights, policy

DOCS = Path(__file__).parent.parent.parent / "docs"


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


def start_over(scene: Scene) -> None:
    """Forget the log lines so far."""
    scene.out.seek(0)
    scene.out.truncate()


def told(notice: Notice) -> str:
    kind = "Warning" if notice.warning else "Normal"
    about = f"{notice.kind}/{notice.object_name}"
    return f"{kind:8} {notice.reason:18} {about:20} {notice.message}\n"


def test_the_reference_of_metrics_is_fresh() -> None:
    """docs/metrics.md is what the registry says."""
    assert (DOCS / "metrics.md").read_text() == markdown(), (
        "docs/metrics.md is stale: write chaosd.report.reference.markdown() to it"
    )


@pytest.mark.parametrize(
    ("number", "scene"), list(enumerate((killed, skipped, refused, unrecovered)))
)
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

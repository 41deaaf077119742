"""``chaosd run`` from start to start: kills, restarts, deaths in the middle, two at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.daemon.child import Child
from tests.daemon.hold import Hold, When
from tests.daemon.launch import Executed
from tests.daemon.site import Site, only_web
from tests.daemon.together import together

LEDGER_PATCH = "patch /api/v1/namespaces/chaosd/configmaps/chaosd-ledger"
SURVEY = "list /apis/apps/v1/deployments"
POD = "get /api/v1/namespaces/shop/pods/*"
"""A victim is read right before it is reserved, and never at the start."""
EVICTION = "create /api/v1/namespaces/shop/pods/*/eviction"


def it_starts_kills_observes_and_stops(folder: Path) -> None:
    """The whole way: leading, a kill within the budget, its recovery, Events, metrics, the end."""
    with Site(folder) as site, Child(site, launch=Executed) as child:
        child.ready()
        child.says("leading")
        child.until(lambda: site.intents(verdict="recovered", verdict_told=_holder(site)))
        told = site.intents(verdict="recovered")[0]
        events = {event["metadata"]["name"]: event for event in site.cluster.all("events")}
        names = {f"chaosd-{told.id}-r-pod", f"chaosd-{told.id}-r", f"chaosd-{told.id}-v"}
        assert names <= events.keys()
        assert events[f"chaosd-{told.id}-r-pod"]["involvedObject"]["uid"] == told.victim.uid
        plural = f"{told.workload.split('/')[1].lower()}s.apps"
        workload = site.cluster.get(plural, "shop", told.workload.rpartition("/")[2]) or {}
        for name in (f"chaosd-{told.id}-r", f"chaosd-{told.id}-v"):
            assert events[name]["involvedObject"]["uid"] == workload["metadata"]["uid"]
        child.until(lambda: child.metric("chaosd_kills_total", result="killed") >= 1)
        child.until(lambda: child.metric("chaosd_verdicts_total", verdict="recovered") >= 1)
        assert child.metric("chaosd_leader") == 1
        assert child.metric("chaosd_failures_total") == 0
        assert child.get("/healthz").text == "ok\n"
        child.terminate()
        assert child.wait() == 0
        assert site.lease().holder_identity == ""
        assert [intent for intent in site.intents() if intent.unsettled] == []
        assert site.broken() == []


def _holder(site: Site) -> str:
    return site.lease().holder_identity or "nobody"


def a_restart_goes_on_where_the_last_one_ended(folder: Path) -> None:
    """The same ledger: what was killed right before the end is observed, reported and counted by
    the next process, which leads at once, and no slot is run a second time."""
    with Site(folder) as site:
        with Child(site) as first:
            first.until(site.removals)
            first.terminate()
            assert first.wait() == 0
        mine = [intent.id for intent in site.intents()]
        assert mine
        with Child(site) as second:
            assert second.says("leading")["term"] == 2
            second.until(lambda: all(_told(site, one) for one in mine))
            second.terminate()
            assert second.wait() == 0
        assert first.said("made the ledger")
        assert not second.said("made the ledger")
        ended = [line["actionId"] for child in (first, second) for line in _attempts(child)]
        assert len(ended) == len(set(ended))
        assert site.broken() == []


def _told(site: Site, intent_id: str) -> bool:
    intent = site.ledger().find(intent_id)
    assert intent is not None
    return bool(intent.verdict == "recovered" and intent.told and intent.verdict_told)


def _attempts(child: Child) -> list[dict[str, str]]:
    return [line for line in child.said("attempt ended") if line["result"] != "skipped"]


class Death(NamedTuple):
    """The request of an attempt during which the process dies, and what became of the victim."""

    request: str
    when: When
    behind: list[str]
    result: str


DEATHS = (
    Death(LEDGER_PATCH, "after", [SURVEY, POD], "failed"),
    Death(EVICTION, "before", [], "failed"),
    Death(EVICTION, "after", [], "killed"),
)


def sigkill_during_an_attempt(folder: Path) -> None:
    """The next process fences the victim before anything else: what was struck counts as killed,
    what was not can't be any more, also when the dead one's request arrives late."""
    with ThreadPoolExecutor(len(DEATHS)) as pool:
        found = list(pool.map(lambda n: _die(folder / str(n), DEATHS[n]), range(len(DEATHS))))
    assert not any(found), "\n".join(found)


def _die(folder: Path, death: Death) -> str:
    hold = Hold(death.behind, death.request, death.when)
    with Site(folder, fill=only_web, faults=hold, patient=True) as site:
        with Child(site) as first:
            first.until(lambda: site.waiting)
            first.kill()
        (intent,) = site.intents()
        site.free_the_lease()
        with Child(site) as second:
            second.until(lambda: site.intents(id=intent.id)[0].result)
            site.let_go()
            # The late request is answered, and chaos goes on with other slots.
            second.until(lambda: not site.waiting)
            second.until(lambda: len(site.intents(result="killed")) > (death.result == "killed"))
            second.terminate()
            code = second.wait()
        settled = site.intents(id=intent.id)[0]
        struck = [key for _, key in site.sandbox.journal.struck].count(intent.id)
        found = site.broken()
        if (code, settled.result, struck) != (0, death.result, death.result == "killed"):
            found.append(f"exit {code}, {settled.result}, its victim was struck {struck} times")
        return f"{death}: {found}\n{second}" if found else ""


def two_at_once(folder: Path) -> None:
    """One leads; when it ends, the other does, and nothing is doubled."""
    with Site(folder) as site, Child(site) as one, Child(site) as other:
        one.ready()
        other.ready()
        one.until(lambda: site.intents(verdict="recovered"))
        assert one.metric("chaosd_leader") + other.metric("chaosd_leader") == 1
        leading, waiting = (one, other) if one.said("leading") else (other, one)
        assert waiting.said("leading") == []
        assert waiting.said("attempt ended") == []
        leading.terminate()
        assert leading.wait() == 0
        before = len(site.removals())
        assert waiting.says("leading")["term"] == 2
        waiting.until(lambda: len(site.removals()) > before)
        waiting.terminate()
        assert waiting.wait() == 0
        assert site.broken() == []
        ended = [line["actionId"] for child in (one, other) for line in _attempts(child)]
        assert len(ended) == len(set(ended))


SCENARIOS = (
    it_starts_kills_observes_and_stops,
    a_restart_goes_on_where_the_last_one_ended,
    sigkill_during_an_attempt,
    two_at_once,
)


def test_lives(tmp_path: Path) -> None:
    """Each of the scenarios above, on a cluster of its own."""
    together(tmp_path, *SCENARIOS)

"""SIGTERM in each step of an attempt: every request is held in turn, while the signal comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chaosd.config.watching import FileSettings
from chaosd.core.schedule import Slot
from chaosd.daemon.wiring import build_context, connect
from chaosd.engine.attempt import Attempts
from chaosd.engine.lead import Lead
from tests.daemon.child import GRACE, Child
from tests.daemon.hold import Hold, When, names
from tests.daemon.site import Site, only_web
from tests.daemon.test_process import LEFT_OPEN
from tests.engine.world import Tape

SEED = "get /api/v1/namespaces/kube-system"
"""The planner's first request, right before the first slot."""
SURVEY = "list /api/v1/namespaces"
EVICTION = "create /api/v1/namespaces/shop/pods/*/eviction"
SHARDS = 2
TOGETHER = 10

Step = tuple[int, When]


@pytest.fixture(scope="module")
def attempt(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The requests of an attempt that nothing disturbs."""
    with Site(tmp_path_factory.mktemp("attempt"), fill=only_web) as site:
        connection = connect(str(site.kubeconfig), environ={})
        context = build_context(connection, FileSettings(site.file, {}), Tape(), "recorder")
        Lead(context, connection.ledger).step()
        assert context.leading
        site.api.journal.clear()
        ended = Attempts(context).run_slot(Slot("web", "*", site.cluster.now()))
        assert [one.result for one in ended] == ["killed"]
        return [name for name in names(site.api.journal.requests) if name != SEED]


def steps(attempt: list[str]) -> list[Step]:
    """Each request, but for candidates that are read a second time; one that changes something
    also after it took effect."""
    found: list[Step] = []
    for number, name in enumerate(attempt):
        if name in attempt[:number] and "ledger" not in name:
            continue
        found.append((number, "before"))
        if name.startswith(("create ", "patch ")):
            found.append((number, "after"))
    return found


def test_every_kind_of_step_is_among_them(attempt: list[str]) -> None:
    """From the first look at the ledger to the outcome in it."""
    ledger = "{} /api/v1/namespaces/chaosd/configmaps/chaosd-ledger"
    assert attempt[:2] == [ledger.format("get"), SURVEY]
    assert attempt[-5:] == [
        ledger.format("get"),
        ledger.format("patch"),
        EVICTION,
        ledger.format("get"),
        ledger.format("patch"),
    ]
    assert sum(when == "after" for _, when in steps(attempt)) == 3


@pytest.mark.parametrize("shard", range(SHARDS))
def test_sigterm_in_each_step(tmp_path: Path, attempt: list[str], shard: int) -> None:
    """Exit 0 within the grace period, no new attempt, the one under way settled, the lease given
    back, and every promise kept."""
    chosen = steps(attempt)[shard::SHARDS]
    with ThreadPoolExecutor(TOGETHER) as pool:
        found = list(pool.map(lambda step: _trial(tmp_path, attempt, *step), chosen))
    assert not any(found), "\n".join(found)


def _trial(folder: Path, attempt: list[str], number: int, when: When) -> str:
    """What is not as it has to be after SIGTERM in this step; "" when all is."""
    hold = Hold([SEED, *attempt[:number]], attempt[number], when)
    with (
        Site(folder / f"{number}-{when}", fill=only_web, faults=hold, patient=True) as site,
        Child(site) as child,
    ):
        child.until(lambda: site.waiting)
        child.terminate()
        child.says("stopping")
        site.let_go()
        code = child.wait(GRACE)
        found = [] if code == 0 else [f"exit {code}"]
        found += site.broken()
        if site.lease().holder_identity != "":
            found.append(f"{site.lease().holder_identity} holds the lease")
        intents = site.intents()
        if len(intents) != (number >= attempt.index(EVICTION) - 1):
            found.append(f"{len(intents)} intents")
        if not found:
            return ""
        return f"{when} step {number}, {attempt[number]}: {'; '.join(found)}\n{child}\n"


def test_sigterm_while_the_api_server_hangs(tmp_path: Path) -> None:
    """Nothing is answered any more: it ends with exit 0 all the same, says which intent it
    left open, and the next process settles that before anything else."""
    hold = Hold([], EVICTION, "after")
    with Site(tmp_path, fill=only_web, faults=hold, patient=True) as site:
        with Child(site) as child:
            child.until(lambda: site.waiting)
            hold.for_all()
            child.terminate()
            assert child.wait() == 0
        [intent] = site.intents()
        [line] = child.said(LEFT_OPEN)
        assert (bool(intent.unsettled), line["leftOpen"]) == (True, [intent.id])
        assert child.words == []
        hold.none()
        site.let_go()
        site.free_the_lease()
        with Child(site) as second:
            second.until(lambda: site.intents(id=intent.id)[0].result)
            second.terminate()
            assert second.wait() == 0
        assert site.intents(id=intent.id)[0].result == "killed"
        assert site.broken() == []

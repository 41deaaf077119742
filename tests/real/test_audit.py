"""Least privilege: the API server's audit log of each mode, against what the chart grants for it.

One daemon for each mode, as a ServiceAccount of its own.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chaosd.core import ledger_text
from chaosd.core.ledger import Intent, Step
from chaosd.core.model import Action, TargetKind, Victim
from tests.contract import manifests
from tests.contract.manifests import OPT_IN, Json
from tests.contract.site import MERGE, Place, Site
from tests.deploy.rights import Right, granted
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.deployed import Deployed, live, policy
from tests.support.waiting import until

ENDLESS = {"endless": "true"}
PATIENCE = 150.0
# What every account may ask of the API server: what it may do (system:basic-user), and which kinds
# there are (system:discovery).
OF_EVERYBODY = {("create", "selfsubjectaccessreviews")}
DISCOVERY = {("get", "/api/v1"), ("get", "/apis/policy/v1")}


def _cron_job(place: Place, name: str) -> None:
    """A CronJob that is not due, and a Job of it that goes on."""
    owner = place.make("cronjobs", opted_in(manifests.cron_job(name)))
    meta = place.make("jobs", manifests.job(name, owner=owner, labels=ENDLESS))["metadata"]
    # Its controller keeps here what it has started itself, and forgets what is no Job of it.
    active = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": meta["uid"]}
    place.patch("cronjobs", name, {"status": {"active": [active]}}, "status")


def _labelled_pods(place: Place, name: str) -> None:
    """A Deployment that opted in by its pods alone."""
    manifest = manifests.deployment(name, 2)
    manifest["spec"]["template"]["metadata"]["labels"].update(OPT_IN)
    place.make("deployments", manifest)


def opted_in(manifest: Json) -> Json:
    """The same with the label."""
    manifest["metadata"].setdefault("labels", {}).update(OPT_IN)
    return manifest


def _made(plural: str, make: Callable[[str], Json]) -> Callable[[Place, str], None]:
    def fill(place: Place, name: str) -> None:
        place.make(plural, opted_in(make(name)))

    return fill


SHAPES: dict[str, Callable[[Place, str], None]] = {
    "Deployment": _made("deployments", manifests.deployment),
    "StatefulSet": _made("statefulsets", manifests.stateful_set),
    "DaemonSet": _made("daemonsets", manifests.daemon_set),
    "ReplicaSet": _made("replicasets", lambda name: manifests.replica_set(name, 2)),
    "Job": _made("jobs", lambda name: manifests.job(name, labels=ENDLESS)),
    "CronJob": _cron_job,
    "Pod": _made("pods", manifests.pod),
    "labelled pods": _labelled_pods,
}
DEFAULT = ("Deployment", "StatefulSet")
EVERY = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


@dataclass(frozen=True)
class Mode:
    """A configuration that differs in these keys, of its only policy and at the top; ``shapes`` is
    what there is to strike in each of its namespaces."""

    policy: Mapping[str, Any]
    top: Mapping[str, Any] | None = None
    shapes: tuple[str, ...] = DEFAULT
    namespaced: bool = False


def _kinds(*kinds: str, dry: bool = True) -> Mode:
    select = {"kinds": [*kinds], "minReplicas": 1}
    return Mode({"select": select, "count": len(kinds)}, {"dryRun": dry}, kinds)


MEAN_TIME = {
    "schedule": {"meanTimeBetweenKills": "20s", "minGap": "5s"},
    "deadline": "5s",
    "count": 1,
}
MODES = {
    "dry run": Mode({}, {"dryRun": True}),
    "live": Mode({}),
    "live bypass": Mode({"pdb": "bypass"}),
    "namespaced dry run": Mode({}, {"dryRun": True}, namespaced=True),
    "namespaced": Mode({}, namespaced=True),
    "namespaced bypass": Mode({"pdb": "bypass"}, namespaced=True),
    "nodes": Mode({"select": {"nodes": "pool in (a, b, c)"}}),
    "mean time": Mode(MEAN_TIME, shapes=("labelled pods", "StatefulSet")),
    "every kind": _kinds(*EVERY, dry=False),
    # Each right that more than one kind asks for, with one of them alone.
    "StatefulSet": _kinds("StatefulSet"),
    "DaemonSet, ReplicaSet": _kinds("DaemonSet", "ReplicaSet"),
    "Job": _kinds("Job"),
    "CronJob": _kinds("CronJob"),
    "Pod": _kinds("Pod"),
}


class Run:
    """One mode, deployed and running."""

    def __init__(self, mode: Mode, site: Site, plane: ControlPlane, folder: Path) -> None:
        self.mode = mode
        self.places = [site.namespace() for _ in range(2 if mode.namespaced else 1)]
        names = [place.name for place in self.places]
        for place in self.places:
            for number, shape in enumerate(mode.shapes):
                SHAPES[shape](place, f"app-{number}")
        top = dict(mode.top or {})
        if mode.namespaced:
            top |= {"namespaces": names, "seed": "a test"}
        # Every workload in every slot.
        limits = {"perHour": 10000, "perDay": 10000, "concurrent": 20}
        own = {"count": len(mode.shapes) * len(names), **mode.policy}
        self.config = live(policy(*names, **own), **{"limits": limits, **top})
        self.chaosd = Deployed(site, plane, folder, self.config)
        self.rights = granted(self.chaosd.objects, self.chaosd.account, self.chaosd.home.name)

    @property
    def kills(self) -> bool:
        """Whether it is no dry run."""
        return not self.config["dryRun"]

    def used(self) -> set[Right]:
        """The rights that its requests needed: of several the narrowest."""
        return {right for one in self.chaosd.audited() if (right := narrowest(one, self.rights))}

    def beyond(self) -> set[tuple[str, str]]:
        """Verbs and resources that it asked for, and that the chart does not grant."""
        return {
            (one["verb"], one.get("objectRef", {}).get("resource", one["requestURI"]))
            for one in self.chaosd.audited()
            if narrowest(one, self.rights) is None
        }

    def leave_behind(self) -> bool:
        """A leader that died in the middle of strikes, one in each namespace, leaves intents that
        have to be fenced; False: another wrote the ledger meanwhile."""
        item = self.chaosd.home.get("configmaps", "chaosd-ledger")
        assert item is not None
        ledger = ledger_text.decode(item["data"]["ledger.json"])
        open_ = {**ledger.intents}
        for number, place in enumerate(self.places):
            intent = abandoned(number, place.admin.ok("GET", place.path("pods"))["items"][0])
            open_[intent.id] = intent
        text = ledger_text.encode(msgspec.structs.replace(ledger, intents=open_))
        version = {"resourceVersion": item["metadata"]["resourceVersion"]}
        path = self.chaosd.home.path("configmaps", "chaosd-ledger")
        body = {"metadata": version, "data": {"ledger.json": text}}
        answer = self.chaosd.home.admin.call("PATCH", path, body, kind=MERGE)
        assert answer.status in (200, 409), answer.body
        return answer.status == 200


def abandoned(number: int, pod: Json) -> Intent:
    """An intent against this pod whose leader is gone, and nobody knows whether it struck."""
    meta, node = pod["metadata"], pod["spec"].get("nodeName", "")
    place = meta["namespace"]
    victim = Victim(place, meta["name"], meta["uid"], meta["resourceVersion"], node)
    now = datetime.now(UTC)
    late = now + timedelta(seconds=10)
    return Intent(
        id=f"{number:020}",
        action_id=f"dead/*/2026-01-01T00:00:00Z#{number}",
        policy="dead",
        target=TargetKind.POD,
        action=Action.EVICT,
        workload=f"{place}/Deployment/dead",
        victim=victim,
        reserved_at=now,
        deadline=60.0,
        recover_by=now + timedelta(seconds=60),
        steps=(Step(0, victim, "dead-0", 1, now, late),),
    )


def narrowest(audited: Json, rights: set[Right]) -> Right | None:
    """The narrowest of the rights that allow a request; None when none of them does."""
    ref = audited.get("objectRef")
    if ref is None:
        return None
    resource = "/".join(filter(None, (ref["resource"], ref.get("subresource"))))
    fit = [
        right
        for right in rights
        if (right.group, right.resource) == (ref.get("apiGroup", ""), resource)
        and right.verb == audited["verb"]
        and right.namespace in (None, ref.get("namespace"))
        and right.name in ("", ref.get("name"))
    ]
    return min(fit, key=lambda one: (one.namespace is None, one.name == ""), default=None)


class Runs:
    """The modes that are asked for: while one is waited for, the next one starts."""

    def __init__(self, start: Callable[[str], tuple[Run, Daemon]], asked: list[str]) -> None:
        self._start = start
        self._asked = asked
        self._started: dict[str, tuple[Run, Daemon]] = {}

    def take(self, mode: str) -> tuple[Run, Daemon]:
        """A mode's run."""
        after = self._asked[self._asked.index(mode) + 1 :]
        for name in (mode, *after[:1]):
            if name not in self._started:
                self._started[name] = self._start(name)
        return self._started[mode]


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest,
    real: Site,
    control_plane: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Runs]:
    """Of each mode a daemon, ended at the end."""
    items = [item for item in request.session.items if isinstance(item, pytest.Function)]
    modes = [item.callspec.params.get("mode") for item in items if hasattr(item, "callspec")]
    with ExitStack() as stack:

        def start(name: str) -> tuple[Run, Daemon]:
            run = Run(MODES[name], real, control_plane, tmp_path_factory.mktemp("audit"))
            return run, stack.enter_context(run.chaosd.daemon())

        yield Runs(start, [name for name in MODES if name in modes])


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_denied_and_nothing_granted_in_vain(runs: Runs, mode: str) -> None:
    """Right by right: each is used, each request was allowed, and none needed more."""
    run, daemon = runs.take(mode)
    assert [
        one for one in run.rights if one.namespace and one._replace(namespace=None) in run.rights
    ] == []
    if run.kills:
        until(run.chaosd.killed, daemon, PATIENCE)
        until(run.leave_behind, daemon, PATIENCE)
    if run.mode.namespaced:
        run.chaosd.edit("what: is this")
        daemon.says("the configuration is invalid: nothing new is struck")
        run.chaosd.configure(run.config)
    until(lambda: run.used() == run.rights, lambda: (run.rights - run.used(), daemon), PATIENCE)
    daemon.signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert run.chaosd.denied() == []
    assert run.beyond() == OF_EVERYBODY | DISCOVERY

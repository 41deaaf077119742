"""chaosd as it is deployed: its ConfigMap is changed under it, its ledger is taken away."""

from __future__ import annotations

from pathlib import Path

import yaml

from tests.contract.manifests import OPT_IN, Json, deployment
from tests.contract.site import Place, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, live, policy
from tests.support.waiting import until

BAD = """
dryRun: perhaps
windows: {allow: always}
policies:
  - {name: web, target: pod, action: evict, schedule: {every: 0s}, colour: red}
"""


class Gate:
    """While it is shut, pods that were made to wait for it are not scheduled."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.label = f"gate-{place.name}"
        self.set("open")

    def set(self, state: str | None) -> None:
        """``open``, or None: shut."""
        body = {"metadata": {"labels": {self.label: state}}}
        kind = "application/merge-patch+json"
        self._place.admin.ok("PATCH", "/api/v1/nodes/node-a", body, kind=kind)


def test_configurations_come_and_go(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """A bad one strikes nothing and stops nothing else, and says its mistakes; with a good one, a
    dry run first, it goes on, all without a restart."""
    place = real.namespace()
    gate = Gate(place)
    gated = deployment("gated", 2, labels=OPT_IN, nodeSelector={gate.label: "open"})
    place.workload("deployments", gated)
    place.workload("deployments", deployment("free", 2, labels=OPT_IN))
    config = live(policy(place.name))
    chaosd = Deployed(real, control_plane, tmp_path, config)
    with chaosd.daemon() as daemon:
        until(lambda: chaosd.recovered("/free"), daemon)
        gate.set(None)
        until(lambda: [pod for pod in place.pods("gated") if "nodeName" not in pod["spec"]], daemon)
        (waiting,) = [one for one in chaosd.killed("/gated") if not one.verdict]
        chaosd.edit(BAD)
        (said,) = until(lambda: daemon.said("the configuration is invalid: nothing new is struck"))
        assert len(said["problems"]) == 3, said
        for word in ("dryRun", "every", "colour"):
            assert any(word in problem for problem in said["problems"])
        # What was under way when the file was read has ended before the next one begins.
        until(lambda: skipped(daemon.lines, "configurationInvalid"), daemon)
        before = chaosd.struck()
        until(lambda: daemon.metric("chaosd_configuration_valid") == 0, daemon)
        gate.set("open")
        until(lambda: waiting.id in {one.id for one in chaosd.recovered()}, daemon)
        seen = len(skipped(daemon.lines, "configurationInvalid"))
        until(lambda: len(skipped(daemon.lines, "configurationInvalid")) > seen + 1, daemon)
        assert chaosd.struck() == before
        reasons = until(lambda: told(chaosd), daemon)
        assert "ConfigurationInvalid" in reasons

        chaosd.edit(yaml.safe_dump({**config, "dryRun": True}))
        until(lambda: [one for one in chaosd.intents() if one.dry_run], daemon)
        assert chaosd.struck() == before
        chaosd.edit(yaml.safe_dump(config))
        until(lambda: len(chaosd.struck()) > len(before), daemon)
        until(lambda: daemon.metric("chaosd_configuration_valid") == 1, daemon)
        assert daemon.process.poll() is None
    assert chaosd.denied() == []


def skipped(lines: list[Json], code: str) -> list[Json]:
    """The attempts that were skipped for a reason."""
    ended = (line for line in lines if line["event"] == "attempt ended")
    return [one for one in ended if code in {reason["code"] for reason in one.get("reasons", ())}]


def told(chaosd: Deployed) -> set[str]:
    """What Events say of chaosd's own pod, as `kubectl describe pod` shows it."""
    about = f"involvedObject.name={chaosd.pods[0]}"
    events = chaosd.home.admin.ok("GET", chaosd.home.path("events"), fieldSelector=about)["items"]
    return {one["reason"] for one in events if one["source"].get("component") == "chaosd"}


def test_the_ledger_is_deleted(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Nothing is struck until somebody says `chaosd ledger init` in the pod; then it goes on."""
    place = real.namespace()
    place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(place.name)))
    with chaosd.daemon() as daemon:
        until(chaosd.recovered, daemon)
        chaosd.kubectl("delete", "configmap", "chaosd-ledger")
        until(lambda: skipped(daemon.lines, "ledgerUnreadable"), daemon)
        before = chaosd.struck()
        until(lambda: len(skipped(daemon.lines, "ledgerUnreadable")) > 2, daemon)
        daemon.says("the ledger can't be used: no kills")
        assert chaosd.struck() == before
        code, words = chaosd.say("ledger", "init", "--yes")
        assert code == 0, words
        until(chaosd.recovered, daemon)
        assert len(chaosd.struck()) > len(before)
    assert chaosd.denied() == []

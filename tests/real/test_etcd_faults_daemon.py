"""``chaosd run`` strikes real members in the pods of a sandbox, and tells what that cost."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from chaosd.sandbox import Cluster, SandboxServer
from chaosd.sandbox.members import Members, etcd
from tests.etcd_members import require_etcd
from tests.real.control_plane import binary
from tests.real.daemon import Daemon, command
from tests.support.waiting import until

NAMESPACE = "chaosd"
PODS = ("etcd-0", "etcd-1", "etcd-2")
FILE = """
dryRun: false
timezone: UTC
windows: {allow: always}
limits: {perHour: 100, perDay: 1000, concurrent: 1}
etcd:
  - name: main
    pods: {namespace: etcd, labels: "app.kubernetes.io/name=etcd", port: 2379, scheme: http}
policies:
  # Asked for by hand: their schedule is the 29th of February.
  - {name: leader, target: etcd, action: kill, member: leader, clusters: [main], cooldown: 1s,
     schedule: {cron: "0 0 29 2 *"}, deadline: 5m}
  - {name: move, target: etcd, action: moveLeader, clusters: [main], cooldown: 1s,
     schedule: {cron: "0 0 29 2 *"}, deadline: 5m}
"""


@dataclass
class Running:
    """The sandbox with its members, and a daemon."""

    cluster: Cluster
    members: Members
    daemon: Daemon
    kubeconfig: Path

    def pids(self) -> dict[str, int | None]:
        """The processes by their pods."""
        pods = {name: self.cluster.get("pods", "etcd", name) for name in PODS}
        return {name: self.members.pid(pod) if pod else None for name, pod in pods.items()}

    def leader(self) -> str:
        """The pod of the member that leads; "" when nobody says who does."""
        for name, url in zip(PODS, self.members.endpoints, strict=True):
            try:
                told = httpx.post(f"{url}/v3/maintenance/status", json={}, trust_env=False).json()
            except httpx.HTTPError:
                continue
            if told.get("leader") == told["header"]["member_id"]:
                return name
        return ""

    def attempt(self, policy: str) -> Mapping[str, Any]:
        """Ask the daemon for an attempt; its answer."""
        code, answer = command("attempt", policy, kubeconfig=self.kubeconfig, namespace=NAMESPACE)
        assert code == 0, answer
        return answer

    def verdict(self, policy: str) -> dict[str, Any]:
        """The log line of the policy's verdict."""

        def told() -> list[dict[str, Any]]:
            lines = self.daemon.said("verdict reported")
            return [line for line in lines if line["policy"] == policy]

        return until(told, lambda: repr(self.daemon))[0]

    def events(self, reason: str, kind: str) -> list[str]:
        """What Events of this reason on this kind say."""
        found = [item for item in self.cluster.all("events") if item["reason"] == reason]
        return [one["message"] for one in found if one["involvedObject"]["kind"] == kind]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A daemon that leads and has seen three healthy members."""
    require_etcd()
    program = binary("etcd")
    assert program is not None
    file = tmp_path / "chaosd.yaml"
    file.write_text(FILE)
    cluster = etcd(Cluster(lambda: datetime.now(UTC), seed=11))
    with (
        Members(program, tmp_path / "members") as members,
        SandboxServer(cluster, processes=members) as server,
    ):
        kubeconfig = server.kubeconfig(tmp_path / "kubeconfig")
        with Daemon(file, kubeconfig, NAMESPACE) as daemon:
            daemon.says("started")
            one = Running(cluster, members, daemon, kubeconfig)
            until(lambda: daemon.metric("chaosd_leader") == 1, lambda: repr(daemon))
            until(lambda: daemon.metric("chaosd_etcd_quorum_margin") == 1, lambda: repr(daemon))
            yield one


def test_the_leader_is_killed_and_then_hands_over(running: Running) -> None:
    """Both recover. The kill takes one process and time without a leader, which the log, the Event
    and the metrics tell; the handing over takes no process."""
    before, leader = running.pids(), running.leader()
    answer = running.attempt("leader")
    line = running.verdict("leader")
    assert (answer["result"], line["verdict"]) == ("killed", "recovered")
    assert line["victim"] == f"etcd/{leader}"
    after = running.pids()
    assert {name for name in PODS if after[name] != before[name]} == {leader}
    cost = line["etcd"]["main"]
    assert cost["failed"] > 0
    assert cost["leaderlessSeconds"] > 0 or cost["readGapSeconds"] > 0
    [event] = running.events("ChaosRecovered", "Etcd")
    assert running.events("ChaosRecovered", "StatefulSet") == [event]
    assert f"after pod etcd/{leader} was killed by chaosd policy leader; etcd main: " in event
    [said] = re.findall(r"without a leader for ([\d.]+) s", event)
    # Each is rounded from what was measured, to another number of places.
    assert float(said) == pytest.approx(cost["leaderlessSeconds"], abs=0.06)
    metric = running.daemon.metric
    assert metric("chaosd_etcd_leaderless_seconds_count") == 1
    assert round(metric("chaosd_etcd_leaderless_seconds_sum"), 2) == cost["leaderlessSeconds"]
    assert round(metric("chaosd_etcd_read_gap_seconds_sum"), 2) == cost["readGapSeconds"]

    led = until(running.leader)
    answer = running.attempt("move")
    line = running.verdict("move")
    assert (answer["result"], line["verdict"]) == ("killed", "recovered")
    assert (answer["victim"], line["victim"]) == (led, led)
    assert running.pids() == after
    assert line["etcd"]["main"]["reads"] > 0
    assert metric("chaosd_etcd_leaderless_seconds_count") == 2
    told = running.events("ChaosRecovered", "Etcd")
    assert any(f"member {led} was deposed" in one for one in told)

"""Machines that are restarted or ended, and containers that crash: what the helper pod or the
cloud would do, the test does, as kwok runs no containers and moto no machines."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from chaosd.core.ledger import Intent, Result, StepState, Verdict
from chaosd.core.model import StepAction
from tests.contract.manifests import OPT_IN, Json, deployment
from tests.contract.site import Place, Site
from tests.real.control_plane import ControlPlane
from tests.real.deployed import Deployed, live, policy
from tests.real.fleet import PATIENCE, Fleet, node_policy, path
from tests.real.scene import at_once
from tests.support.loopback import Exchange, serving
from tests.support.waiting import until

PRIVILEGED = {"pod-security.kubernetes.io/enforce": "privileged"}
REGION = "eu-west-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def helper_pod(place: Place, intent: Intent) -> Json:
    """The helper pod of an intent, once it is there."""
    return until(lambda: place.get("pods", f"chaosd-helper-{intent.id}"), seconds=PATIENCE)


def as_documented(pod: Json, intent: Intent, action: str, node: str, *told: str) -> None:
    """It is what docs/helper.md says, and may no more."""
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    assert labels["chaosd.io/helper"] == action
    assert labels["chaosd.io/intent"] == intent.id
    assert (spec["nodeName"], spec["restartPolicy"]) == (node, "Never")
    assert spec["activeDeadlineSeconds"] == 60
    assert (spec["hostPID"], spec.get("hostNetwork", False)) == (True, False)
    assert spec["automountServiceAccountToken"] is False
    assert (spec.get("volumes", []), container.get("volumeMounts", [])) == ([], [])
    security = container["securityContext"]
    assert (security["privileged"], security["runAsUser"]) == (True, 0)
    assert security["readOnlyRootFilesystem"] is True
    assert container["resources"]["limits"] == {"memory": "64Mi"}
    assert container["image"].startswith("registry.example/chaosd:")
    assert container["command"] == ["python", "-m", "chaosd.helper"]
    assert container["args"][:3] == [action, *told]


def helpers_made(chaosd: Deployed) -> int:
    """How many pods it asked for, but for the dry run at its start."""
    asked = [one for one in chaosd.audited() if "dryRun" not in one["requestURI"]]
    made = [one["objectRef"] for one in asked if one["verb"] == "create"]
    return sum(ref["resource"] == "pods" and "subresource" not in ref for ref in made)


def rebooted(real: Site, plane: ControlPlane, folder: Path, *, happens: bool) -> None:
    """The node is empty when the helper comes; another boot ID is a reboot, and none a failure."""
    with Fleet(real, plane, folder) as fleet:
        fleet.fill(web=2)
        fleet.grow(1)
        home = real.namespace(**PRIVILEGED)
        chaosd = fleet.deploy(
            node_policy(action="reboot", deadline="300s"), helper={"namespace": home.name}
        )
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            begun = fleet.begin()
            pod = helper_pod(home, begun)
            assert fleet.on() == []
            boot = fleet.node()["status"]["nodeInfo"]["bootID"]
            as_documented(pod, begun, "reboot", fleet.first, "--boot-id", boot)
            assert fleet.drained_by() == [begun.id]
            if happens:
                fleet.boots("another")
            until(fleet.over, lambda: (chaosd.ledger(), daemon), PATIENCE)
            until(lambda: home.get("pods", pod["metadata"]["name"]) is None, daemon, PATIENCE)
            until(lambda: not fleet.drained_by(), daemon, PATIENCE)
            until(lambda: fleet.intent().closed_at, lambda: (chaosd.ledger(), daemon), PATIENCE)
        last = fleet.intent().steps[-1]
        assert last.action is StepAction.REBOOT
        if happens:
            assert last.state is StepState.KILLED
            assert "boot ID another" in last.detail
            assert fleet.intent().verdict is Verdict.RECOVERED
        else:
            assert last.state is StepState.FAILED
            assert "nothing was struck" in last.detail
        assert helpers_made(chaosd) == 1
        assert chaosd.denied() == []


def runs(place: Place, pod: Json, container_id: str, restarts: int) -> None:
    """Report the container that a pod runs, as its kubelet does."""
    name = pod["metadata"]["name"]
    found = place.get("pods", name)
    assert found is not None
    (status,) = found["status"]["containerStatuses"]
    status |= {"containerID": f"containerd://{container_id}", "restartCount": restarts}
    place.patch("pods", name, {"status": {"containerStatuses": [status]}}, "status")


def crashed(real: Site, plane: ControlPlane, folder: Path, *, happens: bool) -> None:
    """The helper is told one container of one pod; another container ID is a crash."""
    folder.mkdir()
    place, home = real.namespace(), real.namespace(**PRIVILEGED)
    place.workload("deployments", deployment("web", 2, labels=OPT_IN))
    ids = {}
    for number, pod in enumerate(place.pods()):
        ids[pod["metadata"]["name"]] = f"{number}" * 64
        runs(place, pod, f"{number}" * 64, 0)
    crash = policy(place.name, action="crash", deadline="300s", schedule={"every": "26w"})
    config = live(crash, helper={"namespace": home.name})
    chaosd = Deployed(real, plane, folder, config)
    with chaosd.daemon() as daemon:
        daemon.says("leading")
        code, text = chaosd.say("attempt", "web", "--no-wait")
        assert code == 0, text
        (begun,) = until(chaosd.intents, daemon)
        helper = helper_pod(home, begun)
        victim = begun.victim
        as_documented(
            helper,
            begun,
            "crash",
            victim.node,
            "--container-id",
            f"containerd://{ids[victim.name]}",
        )
        if happens:
            (hit,) = [one for one in place.pods() if one["metadata"]["name"] == victim.name]
            runs(place, hit, "f" * 64, 1)
        until(lambda: chaosd.intents()[0].closed_at, lambda: (chaosd.ledger(), daemon), PATIENCE)
        until(lambda: home.get("pods", helper["metadata"]["name"]) is None, daemon)
    (intent,) = chaosd.intents()
    assert intent.result is (Result.KILLED if happens else Result.FAILED)
    assert intent.verdict is (Verdict.RECOVERED if happens else None)
    assert victim.uid in {pod["metadata"]["uid"] for pod in place.pods()}
    assert helpers_made(chaosd) == 1
    assert chaosd.denied() == []


# ------------------------------------------------------------------ EC2


class Machines:
    """EC2 at moto's server, and a proxy that can lose the answer to an end."""

    def __init__(self, address: str) -> None:
        self.address = address
        session = boto3.session.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
        )
        self._ec2 = session.client("ec2", endpoint_url=address)

    def start(self, count: int) -> list[str]:
        """So many machines; their IDs."""
        image = self._ec2.describe_images()["Images"][0]["ImageId"]
        made = self._ec2.run_instances(ImageId=image, MinCount=count, MaxCount=count)
        return [one["InstanceId"] for one in made["Instances"]]

    def states(self) -> dict[str, str]:
        """The state of each machine."""
        found = self._ec2.describe_instances()["Reservations"]
        machines = [one for group in found for one in group["Instances"]]
        return {one["InstanceId"]: one["State"]["Name"] for one in machines}


@contextmanager
def before(address: str, *, losing: bool) -> Iterator[tuple[str, list[str]]]:
    """A proxy before EC2: its address, and the bodies of the ends that it passed on. When it is
    ``losing``, the answers to them are lost after they were done."""
    ends: list[str] = []

    def serve(exchange: Exchange) -> None:
        body = exchange.body()
        sent = Request(address, body, dict(exchange.headers.items()), method="POST")
        ending = b"Action=TerminateInstances" in body and b"DryRun=true" not in body
        if ending:
            ends.append(body.decode())
        status, text = _passed_on(sent)
        if ending and losing:
            exchange.close_connection = True
            exchange.connection.shutdown(socket.SHUT_RDWR)
            return
        exchange.answer(text, status)

    with serving(serve) as url:
        yield url, ends


def _passed_on(sent: Request) -> tuple[int, bytes]:
    try:
        with urlopen(sent, timeout=30) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, error.read()


def ended(
    real: Site, plane: ControlPlane, folder: Path, machines: Machines, *, losing: bool
) -> None:
    """The drained node's machine is ended once, whether its answer comes or not; with a new node in
    its place the pool is whole."""
    ids = machines.start(3)
    providers = [f"aws:///{REGION}a/{one}" for one in ids]
    with (
        Fleet(real, plane, folder, providerID=providers[0]) as fleet,
        before(machines.address, losing=losing) as (address, ends),
    ):
        fleet.fill(web=2)
        fleet.grow(1, providerID=providers[1])
        pods = fleet.on()
        pool = {"pool": "scene", "minNodes": 1}
        one = node_policy(action="terminate", deadline="300s", node=pool)
        chaosd = fleet.deploy(one, env={"AWS_ENDPOINT_URL": address, **KEYS})
        with chaosd.daemon() as daemon:
            daemon.says("leading")
            begun = fleet.begin()
            until(fleet.over, lambda: (chaosd.ledger(), daemon), PATIENCE)
            assert machines.states()[ids[0]] == "terminated"
            # What a cloud controller does; and then the Auto Scaling group's new machine joins.
            fleet.place.admin.ok("DELETE", path(fleet.first))
            until(lambda: "nodes of the pool Ready" in fleet.intent().seen, daemon)
            assert fleet.intent().verdict is None
            fleet.grow(1, providerID=providers[2])
            until(chaosd.recovered, lambda: (chaosd.ledger(), daemon), PATIENCE)
        assert fleet.intent().id == begun.id
        last = fleet.intent().steps[-1]
        assert (last.action, last.state) == (StepAction.TERMINATE, StepState.KILLED)
        assert ("the machine is" in last.detail) is losing
        assert len(ends) == 1
        assert ids[0] in ends[0]
        assert [machines.states()[one] for one in ids] == ["terminated", "running", "running"]
        fleet.went_once(pods)
        assert chaosd.denied() == []


@pytest.mark.timeout(400)
def test_machines(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """Reboots and crashes are seen or come to nothing, and a machine is ended exactly once."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        cloud = Machines(f"http://{host}:{port}")
        stories: list[Callable[[Site, ControlPlane, Path], None]] = []
        for so in (True, False):
            stories += [partial(rebooted, happens=so), partial(crashed, happens=so)]
            stories.append(partial(ended, machines=cloud, losing=so))
        told = enumerate(stories)
        at_once(*(partial(tell, real, control_plane, tmp_path / str(n)) for n, tell in told))
    finally:
        server.stop()

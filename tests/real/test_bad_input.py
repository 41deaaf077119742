"""A cluster that can't be had, for real: said clearly, waited for where that may help."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.contract.manifests import OPT_IN, deployment
from tests.contract.site import Caller, Site
from tests.real.control_plane import ControlPlane, running_control_plane
from tests.real.daemon import Daemon, command
from tests.real.deployed import Deployed, live, policy
from tests.real.kubeconfig import write_kubeconfig
from tests.support.waiting import until

WAITING = "waiting for the API server: nothing is struck"
REFUSED = "does not accept the credentials (401 Unauthorized)"
FILE = json.dumps(live(policy()))  # JSON is YAML
NAMESPACE = "chaosd"
NOBODY = "c3lzdGVtOm5vYm9keQ"


def said_by(*words: str, kubeconfig: Path) -> str:
    """What a command says that can't be done: in one line, without a traceback."""
    code, answer = command(*words, kubeconfig=kubeconfig, namespace=NAMESPACE)
    assert (code, answer.get("out")) == (1, ""), answer
    [line] = answer["err"].splitlines()
    assert line.startswith("chaosd: ")
    return str(line)


def unready(daemon: Daemon) -> str:
    """What /readyz complains of; "" when it is ready."""
    try:
        daemon.get("/readyz")
    except HTTPError as error:
        return error.read().decode()
    return ""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "chaosd.yaml"
    path.write_text(FILE)
    return path


# ------------------------------------------------------------------ who is there


def test_a_wrong_ca(control_plane: ControlPlane, tmp_path: Path, file: Path) -> None:
    """Another authority signs another server: nothing is sent to it, and what is wrong is said."""
    other, key = tmp_path / "other.crt", tmp_path / "other.key"
    wish = "req -x509 -nodes -days 1 -subj /CN=other -newkey rsa:2048"
    made = ["openssl", *wish.split(), "-keyout", str(key), "-out", str(other)]
    subprocess.run(made, check=True, capture_output=True)
    kubeconfig = write_kubeconfig(
        tmp_path / "kubeconfig", control_plane.url, token=control_plane.admin_token, ca=other
    )
    for words in (("status",), ("check", str(file), "--cluster")):
        assert "certificate is not trusted" in said_by(*words, kubeconfig=kubeconfig)
    halt = ("halt", "--reason", "x", "--timeout", "1")
    code, answer = command(*halt, kubeconfig=kubeconfig, namespace=NAMESPACE)
    assert (code, "certificate is not trusted" in answer["err"]) == (1, True)
    with Daemon(file, kubeconfig, NAMESPACE) as daemon:
        [problem] = daemon.says(WAITING)["problems"]
        assert "the API server's certificate is not trusted" in problem
        assert "certificate is not trusted" in unready(daemon)
        assert daemon.get("/healthz") == "ok\n"
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


# ------------------------------------------------------------------ who we are


def test_an_expired_token(real: Site, control_plane: ControlPlane, tmp_path: Path) -> None:
    """The object that a token was bound to is gone, and the token with it; the daemon that starts
    with it waits, and goes on with the next one."""
    shop = real.namespace()
    shop.workload("deployments", deployment("web", 2, labels=OPT_IN))
    chaosd = Deployed(real, control_plane, tmp_path, live(policy(shop.name)))
    chaosd.kubectl("create", "secret", "generic", "bound")
    bound = ("--bound-object-kind=Secret", "--bound-object-name=bound")
    chaosd.rotate(chaosd.token(*bound))
    assert chaosd.say("check", str(chaosd.config.folder / "chaosd.yaml"), "--cluster")[0] == 0
    chaosd.kubectl("delete", "secret", "bound")
    # The API server remembers for some seconds what it has accepted.
    until(lambda: REFUSED in chaosd.say("status")[1])
    code, text = chaosd.say("halt", "--reason", "x", "--timeout", "1")
    assert (code, REFUSED in text) == (1, True)
    with chaosd.daemon() as daemon:
        assert "401" in daemon.says(WAITING)["problems"][0]
        assert "401" in unready(daemon)
        chaosd.rotate()
        until(lambda: chaosd.recovered("Deployment/web"), daemon, seconds=120)
        assert unready(daemon) == ""


@pytest.mark.parametrize("token", ["nonsense", f"a.{NOBODY}.b", ""])
def test_a_token_of_nobody(
    control_plane: ControlPlane, tmp_path: Path, file: Path, token: str
) -> None:
    """What is no token, or has no valid signature, is refused as credentials; no token at all is
    somebody without rights."""
    kubeconfig = write_kubeconfig(
        tmp_path / "kubeconfig", control_plane.url, token=token, ca=control_plane.ca
    )
    words = REFUSED if token else "the API server does not allow it"
    assert words in said_by("status", kubeconfig=kubeconfig)
    assert words in said_by("check", str(file), "--cluster", kubeconfig=kubeconfig)


# ------------------------------------------------------------------ what is there


@pytest.fixture(scope="module")
def bare() -> Iterator[ControlPlane]:
    """An API server of one's own, to be stopped and started otherwise."""
    with running_control_plane(controllers=False) as plane:
        caller = Caller(plane.kubeconfig)
        caller.ok("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
        caller.close()
        yield plane


def test_an_api_server_that_comes_later(bare: ControlPlane, file: Path) -> None:
    """Nobody listens: the daemon says so and waits; when somebody does, it checks and leads."""
    bare.stop("kube-apiserver")
    last = said_by("status", kubeconfig=bare.kubeconfig)
    assert last.endswith(f"no connection to the API server at {bare.url}: Connection refused")
    with Daemon(file, bare.kubeconfig, NAMESPACE) as daemon:
        assert "Connection refused" in daemon.says(WAITING)["problems"][0]
        assert "waiting for the API server" in unready(daemon)
        assert daemon.get("/healthz") == "ok\n"
        bare.start_api_server()
        daemon.says("leading")
        until(lambda: not unready(daemon), daemon)
        events = [line["event"] for line in daemon.lines]
        assert events.index("connected") < events.index("started") < events.index("leading")
        assert any(event.startswith("web: evicts one pod every 1s") for event in events)
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0


def test_an_api_server_without_policy_v1(bare: ControlPlane, file: Path) -> None:
    """As one before Kubernetes 1.22: refused at the start, and by `check --cluster`."""
    bare.stop("kube-apiserver")
    bare.start_api_server("--runtime-config=policy/v1=false")
    bare.wait_ready()
    words = said_by("check", str(file), "--cluster", kubeconfig=bare.kubeconfig)
    assert "does not offer PodDisruptionBudgets of policy/v1" in words
    assert "chaosd needs Kubernetes 1.22 or newer" in words
    with Daemon(file, bare.kubeconfig, NAMESPACE) as daemon:
        assert daemon.wait() == 1
        [line] = daemon.said("the API server is too old")
    assert line["problems"] == [words.removeprefix("chaosd: ")]
    assert daemon.said("started") == []

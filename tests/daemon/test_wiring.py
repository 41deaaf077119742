"""Which adapter stands behind which port."""

from __future__ import annotations

import socket
from pathlib import Path

import msgspec
import pytest

from chaosd.config.watching import FileSettings
from chaosd.core.model import TargetKind
from chaosd.daemon.clocks import PacedClock, PaceSetClock, SystemClock
from chaosd.daemon.wiring import about, build_context, connect
from chaosd.kube.signin import SignInFailed
from chaosd.ports import Cluster, Events, Target, Versioned
from chaosd.sandbox import Rule, scenarios
from tests.daemon.site import Site
from tests.engine.world import Tape

NOWHERE = "/nonexistent/kubeconfig"
IN_A_POD = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "1"}


@pytest.mark.parametrize(
    ("given", "environ", "namespace"),
    [
        (None, {}, "chaosd"),
        (None, {"POD_NAMESPACE": "tools"}, "tools"),
        (None, {"POD_NAMESPACE": ""}, "chaosd"),
        ("mine", {"POD_NAMESPACE": "tools"}, "mine"),
        ("mine", {}, "mine"),
    ],
)
def test_its_own_namespace(given: str | None, environ: dict[str, str], namespace: str) -> None:
    """What was given wins over what the pod knows of itself; the default comes last."""
    connection = connect(NOWHERE, namespace=given, environ=environ)
    assert connection.namespace == namespace


@pytest.mark.parametrize(
    ("kubeconfig", "environ", "pod"),
    [
        (NOWHERE, {}, ""),
        (NOWHERE, {"POD_NAME": "chaosd-0"}, "chaosd-0"),
        (None, IN_A_POD, socket.gethostname()),
        (None, {**IN_A_POD, "POD_NAME": "chaosd-0"}, "chaosd-0"),
    ],
)
def test_its_own_pod(kubeconfig: str | None, environ: dict[str, str], pod: str) -> None:
    """By the downward API, else by the host name that a pod has; outside there is none."""
    connection = connect(kubeconfig, environ=environ)
    assert connection.pod == pod
    assert connection.in_cluster is (kubeconfig is None)


def test_nothing_is_sent_or_read_before_it_is_asked_for() -> None:
    """A kubeconfig that is not there matters at the first request."""
    connection = connect(NOWHERE, environ={})
    with pytest.raises(SignInFailed, match=NOWHERE):
        connection.where()


def test_adapters_fit_the_ports() -> None:
    """The types are checked where they are assigned; each port has its own adapter."""
    connection = connect(NOWHERE, environ={})
    ledger: Versioned = connection.ledger
    lease: Versioned = connection.lease
    cluster: Cluster = connection.cluster
    events: Events = connection.events
    pods: Target = connection.targets[TargetKind.POD]
    assert len({id(one) for one in (ledger, lease, cluster, events, pods)}) == 5
    assert pods.kind is TargetKind.POD
    assert set(connection.targets) == set(TargetKind)


def test_the_clock_is_the_systems_unless_another_is_given() -> None:
    """One clock for everything."""
    given: PacedClock = PaceSetClock(SystemClock().now, 10)
    assert isinstance(connect(NOWHERE, environ={}).clock, SystemClock)
    assert connect(NOWHERE, clock=given, environ={}).clock is given


@pytest.mark.parametrize(
    ("environ", "kind", "name"),
    [({}, "ConfigMap", "chaosd-ledger"), ({"POD_NAME": "chaosd-0"}, "Pod", "chaosd-0")],
)
def test_what_events_about_the_daemon_are_on(environ: dict[str, str], kind: str, name: str) -> None:
    """Its pod where there is one, else its ledger: both in its own namespace."""
    notice = about(connect(NOWHERE, namespace="tools", environ=environ))
    assert (notice.kind, notice.namespace, notice.object_name) == (kind, "tools", name)


def test_a_context_has_the_configuration_loaded(tmp_path: Path) -> None:
    """An invalid one too, with its problems: nothing is struck under it."""
    file = tmp_path / "chaosd.yaml"
    file.write_text("policies: []")
    connection = connect(NOWHERE, environ={})
    context = build_context(connection, FileSettings(file, {}), Tape(), "me")
    assert context.loaded.configuration is not None
    assert context.holder == "me"
    file.write_text("polices: []")
    spoiled = build_context(connection, FileSettings(file, {}), Tape(), "me").loaded
    assert spoiled.configuration is None
    assert spoiled.problems


def test_documents_lie_in_its_own_namespace_and_requests_are_counted(tmp_path: Path) -> None:
    """Ledger and lease of two installations don't meet."""
    seen: list[tuple[str, str, str]] = []
    with Site(tmp_path) as site:
        scenarios.namespace(site.cluster, "tools")
        for namespace in ("chaosd", "tools"):
            connection = connect(
                str(site.kubeconfig),
                namespace=namespace,
                observe=lambda verb, resource, code, _: seen.append((verb, resource, code)),
                environ={},
            )
            connection.ledger.create("{}", {})
            connection.lease.create(msgspec.json.encode({}).decode(), {})
        assert site.cluster.keys("configmaps") == [
            ("chaosd", "chaosd-ledger"),
            ("tools", "chaosd-ledger"),
        ]
        assert site.cluster.keys("leases.coordination.k8s.io") == [
            ("chaosd", "chaosd"),
            ("tools", "chaosd"),
        ]
    assert seen == [("create", "configmaps", "201"), ("create", "leases", "201")] * 2


def test_what_a_busy_server_asks_for_is_waited_for_by_the_given_clock(tmp_path: Path) -> None:
    """On a clock that runs fast, ten minutes are over at once."""
    with Site(tmp_path) as site:
        site.api.faults.add(Rule(do="status", status=429, retry_after=600, count=2))
        hurried = PaceSetClock(site.cluster.now, 1e6)
        connection = connect(str(site.kubeconfig), clock=hurried, environ={})
        assert connection.cluster.seed()

"""``chaosd run`` and an API server that is not there yet, or will not do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chaosd.sandbox import Rule, SandboxServer
from chaosd.sandbox.kubeconfig import write_kubeconfig
from tests.daemon.child import Child
from tests.daemon.launch import Executed
from tests.daemon.site import Site
from tests.support.ports import steady_ports

WAITING = "waiting for the API server: nothing is struck"


def test_an_unreachable_api_server_is_waited_for(tmp_path: Path) -> None:
    """Nobody listens: it says so, is alive and not ready, and goes on when somebody does, with
    every check of a start."""
    [port] = steady_ports(1)
    with Site(tmp_path) as site:
        write_kubeconfig(site.kubeconfig, f"http://127.0.0.1:{port}")
        with Child(site) as child:
            assert "Connection refused" in child.says(WAITING)["problems"][0]
            assert child.get("/readyz").status_code == 503
            assert "waiting for the API server: no connection" in child.get("/readyz").text
            assert child.get("/healthz").text == "ok\n"
            page = child.get("/").text
            assert page.startswith("NOTHING can be killed now: ledgerUnreadable: waiting for the")
            child.until(lambda: len(child.said(WAITING)) > 1)
            assert child.said("connected") == child.said("started") == []
            with SandboxServer(site.cluster, port=port, api=site.api, controllers=False):
                child.ready()
                child.until(site.removals)
                child.terminate()
                assert child.wait() == 0
        events = [line["event"] for line in child.lines]
        assert events.index("connected") < events.index("started")
        assert any(event.startswith("web: evicts one pod every 1s") for event in events)
        assert child.words == []


@pytest.mark.parametrize("status", [401, 429, 503])
def test_answers_that_may_pass_are_waited_for(tmp_path: Path, status: int) -> None:
    """Also a token that is not accepted: the next one may be."""
    with Site(tmp_path) as site:
        site.api.faults.add(Rule(do="status", status=status))
        with Child(site) as child:
            assert str(status) in child.says(WAITING)["problems"][0]
            site.api.faults.clear()
            child.ready()
            child.terminate()
            assert child.wait() == 0


def test_sigterm_while_it_waits(tmp_path: Path) -> None:
    """There is nothing to end: exit 0."""
    [port] = steady_ports(1)
    with Site(tmp_path) as site:
        write_kubeconfig(site.kubeconfig, f"http://127.0.0.1:{port}")
        with Child(site) as child:
            child.says(WAITING)
            child.terminate()
            assert child.wait() == 0
    assert child.words == []


def test_a_server_without_policy_v1_is_refused(tmp_path: Path) -> None:
    """Exit 1 with what it lacks, which version it is and which is needed; nothing is written."""
    with Site(tmp_path) as site:
        site.api.faults.add(Rule(do="status", status=404, path="^/apis/policy/v1"))
        with Child(site, launch=Executed) as child:
            assert child.wait() == 1
        [line] = child.said("the API server is too old")
        assert line["level"] == "warning"
        [problem] = line["problems"]
        assert "does not offer PodDisruptionBudgets of policy/v1 (it is v1.36.3)" in problem
        assert problem.endswith("chaosd needs Kubernetes 1.22 or newer")
        assert child.words == []
        assert site.cluster.keys("configmaps") == []


def test_an_exec_plugin_that_is_missing(tmp_path: Path) -> None:
    """No credentials, no start: exit 1 in one line that names the plugin."""
    with Site(tmp_path) as site:
        content = json.loads(site.kubeconfig.read_text())
        version = "client.authentication.k8s.io/v1"
        content["users"][0]["user"] = {
            "exec": {"apiVersion": version, "command": "/nonexistent/plugin"}
        }
        site.kubeconfig.write_text(json.dumps(content))
        with Child(site, launch=Executed) as child:
            assert child.wait() == 1
        [words] = child.words
        assert "No such file or directory: '/nonexistent/plugin'" in words
        assert site.api.journal.requests == []

"""``chaosd run``: what refuses to start, and what a start says."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from chaosd.daemon.run import split_address
from chaosd.sandbox import Denial, Rule
from tests.cli.support import chaosd, config
from tests.daemon.child import Child
from tests.daemon.launch import Executed
from tests.daemon.site import FILE, Site


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [
        ("0.0.0.0:8080", "0.0.0.0", 8080),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("localhost:65535", "localhost", 65535),
        (":8080", "0.0.0.0", 8080),
        ("[::1]:8080", "::1", 8080),
        ("[::]:8080", "::", 8080),
    ],
)
def test_an_address(listen: str, host: str, port: int) -> None:
    """HOST:PORT, with brackets for IPv6; without a host, all of IPv4."""
    assert split_address(listen) == (host, port)


@pytest.mark.parametrize(
    "listen", ["", "8080", "localhost", "localhost:", "localhost:http", "localhost:65536", "h:-1"]
)
def test_no_address(listen: str) -> None:
    """Said with an example of what to write."""
    with pytest.raises(ValueError, match=r"is not HOST:PORT, like 0\.0\.0\.0:8080"):
        split_address(listen)


@pytest.mark.parametrize("listen", ["8080", "localhost:http"])
def test_a_bad_listen_is_wrong_input(tmp_path: Path, listen: str) -> None:
    """Exit 2, before anything is asked of the cluster (there is none here)."""
    answer = chaosd("run", config(tmp_path, FILE), "--listen", listen)
    assert answer.code == 2
    assert f"--listen '{listen}' is not HOST:PORT, like 0.0.0.0:8080" in answer.err


def test_a_port_in_use(tmp_path: Path) -> None:
    """Exit 1 with one clear line, and nothing was led or written."""
    with Site(tmp_path) as site, socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with Child(site, listen=address, launch=Executed) as child:
            assert child.wait() == 1
        line = child.said("can't listen")[0]
        assert (line["level"], line["address"]) == ("error", address)
        assert "in use" in line["why"]
        assert child.words == []
        assert site.cluster.keys("configmaps") == []


def test_an_invalid_file(tmp_path: Path) -> None:
    """Exit 2 with all its mistakes at once, before anything is asked of the cluster."""
    spoiled = FILE.replace("policies", "polices").replace("allow: always", "allow: sometimes")
    with Site(tmp_path, spoiled) as site, Child(site, launch=Executed) as child:
        assert child.wait() == 2
        assert site.api.journal.requests == []
    words = " ".join(child.words)
    assert "polices" in words
    assert "policies" in words
    assert "windows.allow" in words
    assert "Traceback" not in words


def test_a_missing_permission(tmp_path: Path) -> None:
    """Exit 1, naming each RBAC rule that grants what is missing; nothing is led or written."""
    with Site(tmp_path) as site:
        site.api.access.deny(
            Denial("create", "", "pods/eviction"), Denial("patch", "", "configmaps")
        )
        with Child(site, launch=Executed) as child:
            assert child.wait() == 1
        assert site.cluster.keys("configmaps") == []
    rules = [line["rule"] for line in child.said("a permission is missing", required=True)]
    assert len(rules) == 2
    evict = next(rule for rule in rules if "eviction" in rule)
    assert "add to a ClusterRole" in evict
    assert "resources: [pods/eviction]\n  verbs: [create]" in evict
    ledger = next(rule for rule in rules if "chaosd-ledger" in rule)
    assert "add to a Role in namespace chaosd" in ledger
    assert "verbs: [patch]" in ledger


def test_a_start_says_what_this_configuration_can_do(tmp_path: Path) -> None:
    """In plain words; a permission that is only wished for is named and does without."""
    with Site(tmp_path) as site:
        site.api.access.deny(Denial("create", "", "events"))
        with Child(site, launch=Executed) as child:
            child.ready()
            page = child.get("/")
            child.terminate()
            assert child.wait() == 0
    wished = child.said("a permission is missing", required=False)
    assert len(wished) == 1
    assert "resources: [events]" in wished[0]["rule"]
    said = [line["event"] for line in child.lines]
    assert any(line.startswith("web: evicts one pod every 1s") for line in said)
    assert "of 2 workloads that opted in, 2 are candidates now." in " ".join(said)
    assert page.headers["content-type"].startswith("text/plain")
    assert "web" in page.text
    assert child.words == []


def test_an_api_server_that_does_not_answer_is_no_reason_not_to_start(tmp_path: Path) -> None:
    """It is alive and not ready, says why, and is ready once the server answers."""
    with Site(tmp_path) as site:
        site.api.faults.add(Rule(do="status", status=403))
        with Child(site, launch=Executed) as child:
            child.says("started")
            child.until(lambda: child.get("/readyz").status_code == 503)
            assert "the lease has not been read yet" in child.get("/readyz").text
            assert child.get("/healthz").text == "ok\n"
            assert child.said("failed", doing="look at the cluster before the start")
            site.api.faults.clear()
            child.ready()
            child.terminate()
            assert child.wait() == 0


def test_a_signal_during_the_start(tmp_path: Path) -> None:
    """Nothing has begun, so the end comes at once, with exit 0."""
    with Site(tmp_path) as site:
        site.api.faults.add(Rule(do="delay", seconds=3600))
        with Child(site, launch=Executed) as child:
            child.until(lambda: site.waiting)
            child.terminate()
            assert child.wait() == 0
    assert child.words == []
    assert child.said("started") == []

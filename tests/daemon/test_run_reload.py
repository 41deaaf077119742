"""A running daemon is steered: its file changes, people halt it."""

from __future__ import annotations

from pathlib import Path

import httpx

from tests.config.test_watching import Volume
from tests.daemon.bell import PATIENCE
from tests.daemon.child import Child
from tests.daemon.launch import Forked
from tests.daemon.site import FILE, Site
from tests.daemon.together import together

LEDGER = "/api/v1/namespaces/chaosd/configmaps/chaosd-ledger"
MERGE = {"Content-Type": "application/merge-patch+json"}


def mounted(site: Site) -> Volume:
    """The site's configuration as a ConfigMap volume."""
    (site.folder / "volume").mkdir()
    volume = Volume(site.folder / "volume")
    volume.publish(FILE)
    site.file = volume.path
    return volume


def nothing_new(site: Site, child: Child, code: str, slots: int = 3) -> None:
    """Once a slot was skipped for this reason, nothing is struck in those that follow."""
    skipped = child.count("attempt ended", code)
    child.until(lambda: child.count("attempt ended", code) > skipped)
    struck = len(site.removals())
    child.until(lambda: child.count("attempt ended", code) > skipped + slots)
    assert len(site.removals()) == struck


def something_new(site: Site, child: Child) -> None:
    """Chaos goes on."""
    struck = len(site.removals())
    child.until(lambda: len(site.removals()) > struck)


def a_bad_configuration_stops_nothing_but_kills(folder: Path) -> None:
    """The volume is swapped as the kubelet does. While the file is bad nothing is struck, a metric
    and an Event say so, what was struck is still observed; a good one puts it right, without a
    restart."""
    with Site(folder) as site:
        volume = mounted(site)
        with Child(site) as child:
            something_new(site, child)
            volume.publish(FILE.replace("policies", "polices"))
            child.until(lambda: child.metric("chaosd_configuration_valid") == 0)
            nothing_new(site, child, "configurationInvalid")
            child.until(lambda: site.events(reason="ConfigurationInvalid"))
            (event,) = site.events(reason="ConfigurationInvalid")
            assert event["involvedObject"]["name"] == "chaosd-ledger"
            assert event["type"] == "Warning"
            assert "polices" in event["message"]
            killed = [intent.id for intent in site.intents(result="killed")]
            child.until(lambda: all(site.intents(id=one, verdict="recovered") for one in killed))
            assert "polices" in child.get("/").text
            assert child.get("/healthz").status_code == 200
            volume.publish(FILE + "cluster: renamed\n")
            something_new(site, child)
            child.until(lambda: child.metric("chaosd_configuration_valid") == 1)
            child.until(lambda: site.events(reason="ConfigurationLoaded"))
            assert len(site.events(reason="ConfigurationInvalid")) == 1
            child.terminate()
            assert child.wait() == 0
        assert child.count("leading") == 1
        assert site.broken() == []


def annotate(site: Site, why: str | None) -> None:
    """As ``kubectl annotate configmap chaosd-ledger chaosd.io/halt=WHY`` does, or ``halt-``."""
    answer = httpx.patch(
        f"{site.server.url}{LEDGER}?fieldManager=kubectl-annotate",
        json={"metadata": {"annotations": {"chaosd.io/halt": why}}},
        headers=MERGE,
    )
    assert answer.status_code == 200


def halting_by_annotation(folder: Path) -> None:
    """With kubectl alone: nothing is struck, everybody sees why, and taking it away is enough."""
    with Site(folder) as site, Child(site) as child:
        something_new(site, child)
        annotate(site, "release 4.2")
        nothing_new(site, child, "halted")
        child.until(lambda: child.metric("chaosd_halted", source="annotation") == 1)
        assert "release 4.2" in child.get("/").text
        assert child.says("halted")["why"] == "release 4.2"
        annotate(site, None)
        something_new(site, child)
        child.until(lambda: child.metric("chaosd_halted", source="annotation") == 0)
        child.terminate()
        assert child.wait() == 0
        assert site.broken() == []


def command(site: Site, *arguments: str) -> int:
    """Give a command to the site's cluster; its exit code."""
    given = Forked([*arguments, "--kubeconfig", str(site.kubeconfig)])
    with given.output:
        return given.wait(PATIENCE)


def halting_by_command(folder: Path) -> None:
    """Once it is acknowledged, not one more is struck until somebody resumes."""
    with Site(folder) as site, Child(site) as child:
        something_new(site, child)
        assert command(site, "halt", "--reason", "incident") == 0
        struck = len(site.removals())
        nothing_new(site, child, "halted")
        assert len(site.removals()) == struck
        assert command(site, "resume") == 0
        something_new(site, child)
        child.terminate()
        assert child.wait() == 0
        assert site.broken() == []


SCENARIOS = (
    a_bad_configuration_stops_nothing_but_kills,
    halting_by_annotation,
    halting_by_command,
)


def test_steering(tmp_path: Path) -> None:
    """Each of the scenarios above, on a cluster of its own."""
    together(tmp_path, *SCENARIOS)

"""A whole minute without the API server, and a strike that it was in the middle of."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from tests.contract.site import STRATEGIC, Site
from tests.real.control_plane import ControlPlane
from tests.real.proxy import EVICTION
from tests.real.scene import Scene, ends
from tests.support.waiting import until

MINUTE = 60.0
READY = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def report_ready(scene: Scene) -> None:
    """Say that pods are Ready, as kubelets do in time: the node controller, which did not hear of
    nodes for so long, says that they are not, and what stands in for kubelets does not mind.
    """
    place = scene.shop.place
    for pod in (pod for app in scene.shop.opted_in for pod in place.pods(app)):
        said = {one["type"]: one["status"] for one in pod["status"].get("conditions", ())}
        if said.get("Ready") == "False":
            name = pod["metadata"]["name"]
            body = {"metadata": {"uid": pod["metadata"]["uid"]}, **READY}
            place.admin.call("PATCH", place.path("pods", name, "status"), body, kind=STRATEGIC)


@pytest.mark.timeout(400)
def test_the_api_server_freezes_for_a_minute(
    real: Site, control_plane: ControlPlane, tmp_path: Path
) -> None:
    """An eviction waits in the frozen server all the time, and is done or not when it wakes up: the
    ledger says which. Nothing new begins meanwhile, and afterwards it goes on by itself."""
    scene = Scene(real, control_plane, tmp_path)
    shop, proxy = scene.shop, scene.proxy
    with proxy, shop.daemon(proxy.url) as daemon:
        daemon.says("leading")
        scene.goes_on(daemon)
        held = proxy.hold("POST", EVICTION)
        until(held.met, daemon)
        (intent,) = shop.ledger().unsettled()
        control_plane.signal("kube-apiserver", signal.SIGSTOP)
        frozen = datetime.now(UTC)
        try:
            held.release()
            time.sleep(MINUTE)
            assert daemon.get("/healthz") == "ok\n"
            thawed = datetime.now(UTC)
        finally:
            control_plane.signal("kube-apiserver", signal.SIGCONT)
        control_plane.recover()
        scene.settles(intent.id, daemon)
        assert not [one for one in shop.ledger().all_intents() if frozen < one.reserved_at < thawed]
        scene.goes_on(daemon, meanwhile=partial(report_ready, scene))
        ends(shop, daemon, late=2 * MINUTE)

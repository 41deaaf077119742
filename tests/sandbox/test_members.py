"""The scenario of etcd: where its members live, and what they are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chaosd.sandbox import Cluster, Controllers, ManualClock, Timings
from chaosd.sandbox.demo import demo
from chaosd.sandbox.members import Members, etcd


@pytest.fixture
def cluster() -> Cluster:
    """Before its controllers have run."""
    return etcd(Cluster(ManualClock().now, seed=1))


@pytest.fixture
def controllers(cluster: Cluster) -> Iterator[Controllers]:
    """Those of the cluster; one step settles everything."""
    controllers = Controllers(cluster, Timings.instant())
    yield controllers
    controllers.close()


def test_the_pods_of_etcd_get_claims_that_outlive_them(
    cluster: Cluster, controllers: Controllers
) -> None:
    """Each has its own, made with it and bound, and finds it again."""
    controllers.step()
    claims = {one["metadata"]["name"]: one for one in cluster.all("persistentvolumeclaims", "etcd")}
    assert sorted(claims) == ["data-etcd-0", "data-etcd-1", "data-etcd-2"]
    assert {one["status"]["phase"] for one in claims.values()} == {"Bound"}
    volumes = {one["metadata"]["name"] for one in cluster.all("persistentvolumes")}
    assert {one["spec"]["volumeName"] for one in claims.values()} == volumes
    cluster.remove("pods", "etcd", "etcd-1")
    controllers.step()
    pod = cluster.get("pods", "etcd", "etcd-1")
    assert pod is not None
    expected = {"name": "data", "persistentVolumeClaim": {"claimName": "data-etcd-1"}}
    assert pod["spec"]["volumes"] == [expected]
    again = {one["metadata"]["name"]: one for one in cluster.all("persistentvolumeclaims", "etcd")}
    assert again == claims


def test_the_members_are_on_three_nodes_and_one_may_go(
    cluster: Cluster, controllers: Controllers
) -> None:
    """Nothing is inside of them before the controllers run."""
    assert cluster.all("pods", "etcd") == []
    controllers.step()
    pods = cluster.all("pods", "etcd")
    assert len({pod["spec"]["nodeName"] for pod in pods}) == 3
    assert {pod["metadata"]["labels"]["app.kubernetes.io/name"] for pod in pods} == {"etcd"}
    budget = cluster.get("poddisruptionbudgets.policy", "etcd", "etcd")
    assert budget is not None
    assert budget["status"]["disruptionsAllowed"] == 1


def test_two_sandboxes_have_members_at_different_addresses(
    cluster: Cluster, controllers: Controllers, tmp_path: Path
) -> None:
    """And the same pod has the same address whenever it comes back; others have none."""
    controllers.step()
    pods = cluster.all("pods", "etcd")
    with (
        Members(Path("/nowhere/etcd"), tmp_path / "one") as one,
        Members(Path("/nowhere/etcd"), tmp_path / "two") as two,
    ):
        addresses = [one.address(pod) for pod in pods]
        assert addresses == [f"{one.network}.{number}" for number in (1, 2, 3)]
        assert not set(addresses) & {two.address(pod) for pod in pods}
        shop = demo(Cluster(ManualClock().now, seed=1)).all("pods")
        assert {one.address(pod) for pod in shop} == {""}
        network = one.network
    with Members(Path("/nowhere/etcd"), tmp_path / "three") as three:
        assert three.network == network, "it is free again"

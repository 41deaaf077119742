"""What looks like etcd, and what only sounds like it."""

from __future__ import annotations

import pytest

from chaosd.core.etcd import etcd_signs, image_name
from chaosd.core.facts import ContainerFacts
from tests.core.subjects import pod


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("etcd", "etcd"),
        ("etcd:3.6", "etcd"),
        ("quay.io/coreos/etcd:v3.6.8", "etcd"),
        ("localhost:5000/etcd", "etcd"),
        ("registry.k8s.io/etcd:3.6.8-0@sha256:0123", "etcd"),
        ("etcd.example/web:1", "web"),
        ("", ""),
    ],
)
def test_image_names(image: str, name: str) -> None:
    """Registry, port, path, tag and digest fall away."""
    assert image_name(image) == name


@pytest.mark.parametrize(
    ("container", "sign"),
    [
        (ContainerFacts("quay.io/coreos/etcd:v3.6.8"), "image quay.io/coreos/etcd:v3.6.8"),
        (ContainerFacts("bitnami/Etcd"), "image bitnami/Etcd"),
        (ContainerFacts("example/etcd-wrapper:1"), "image example/etcd-wrapper:1"),
        (ContainerFacts("base", ("etcd", "--name=a")), "command etcd"),
        (ContainerFacts("base", ("/usr/local/bin/etcd",)), "command /usr/local/bin/etcd"),
        (ContainerFacts("base", ("sh", "-c", "exec etcd --name a")), "command exec etcd --name a"),
        (ContainerFacts("base", ("sh", "-c", "x;etcd;y")), "command x;etcd;y"),
        (ContainerFacts("base", (), (8080, 2379)), "port 2379"),
        (ContainerFacts("base", (), (2380,)), "port 2380"),
    ],
)
def test_containers_that_look_like_etcd(container: ContainerFacts, sign: str) -> None:
    """Image, program and ports each give it away, in any of the containers."""
    web = ContainerFacts("example/web", ("web",), (80,))
    assert etcd_signs(pod(containers=(web, container))) == (sign,)


@pytest.mark.parametrize(
    "key",
    ["component", "app", "app.kubernetes.io/name", "app.kubernetes.io/component", "k8s-app"],
)
@pytest.mark.parametrize("value", ["etcd", "ETCD"])
def test_labels_that_look_like_etcd(key: str, value: str) -> None:
    """The labels by which charts and control planes name it."""
    assert etcd_signs(pod(labels={key: value})) == (f"label {key}=etcd",)


@pytest.mark.parametrize(
    ("container", "labels"),
    [
        (ContainerFacts("example/web:etcd"), {}),
        (ContainerFacts("etcd/backup"), {}),
        (ContainerFacts("my-etcd-client"), {}),
        (ContainerFacts("base", ("kube-apiserver", "--etcd-servers=https://a:23790")), {}),
        (ContainerFacts("base", ("web", "--store=http://etcd:2379")), {}),
        (ContainerFacts("base", ("etcdctl", "endpoint", "health")), {}),
        (ContainerFacts("base", (), (2378, 23790)), {}),
        (ContainerFacts("base"), {"app": "etcd-browser", "uses": "etcd"}),
    ],
)
def test_what_only_speaks_of_etcd(container: ContainerFacts, labels: dict[str, str]) -> None:
    """A client of etcd is an ordinary candidate."""
    assert etcd_signs(pod(containers=(container,), labels=labels)) == ()


def test_a_sign_is_told_once() -> None:
    """Three containers of one image are one sign."""
    container = ContainerFacts("etcd:3")
    assert etcd_signs(pod(containers=(container,) * 3)) == ("image etcd:3",)

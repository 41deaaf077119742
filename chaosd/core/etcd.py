"""What looks like etcd: a member that chaosd does not know as one is never a victim.

Losing members costs quorum, and budgets don't know quorum. A false alarm costs one candidate.
"""

from __future__ import annotations

import re

from chaosd.core.facts import ContainerFacts, PodFacts

PORTS = (2379, 2380)  # clients, peers; registered with IANA
LABELS = (
    "app.kubernetes.io/component",
    "app.kubernetes.io/name",
    "app",
    "component",
    "k8s-app",
)

# The program itself as a word of a command line or of a shell's script, with or without its folder.
_BINARY = re.compile(r"""(?:^|[\s;&|("'`/])etcd(?=$|[\s;&|)"'`])""")


def etcd_signs(pod: PodFacts) -> tuple[str, ...]:
    """Every sign by which ``pod`` looks like an etcd member; none when it does not."""
    labels = [f"label {key}=etcd" for key in LABELS if pod.labels.get(key, "").lower() == "etcd"]
    found = [sign for container in pod.containers for sign in _container_signs(container)]
    return tuple(dict.fromkeys([*labels, *found]))


def image_name(image: str) -> str:
    """The last part of an image's path, without tag and digest: ``etcd`` of ``k8s.io/etcd:3.6``."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _container_signs(container: ContainerFacts) -> list[str]:
    found = []
    if image_name(container.image).lower().startswith("etcd"):
        found.append(f"image {container.image}")
    word = next((word for word in container.command if _BINARY.search(word)), None)
    if word is not None:
        found.append(f"command {word[:60]}")
    found += [f"port {port}" for port in container.ports if port in PORTS]
    return found

"""The official Kubernetes client, as programs use it: pages of models, kept in a list.

Called in a process of its own, as what chaosd is compared with.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypedDict

from benchmarks.timing import HAS_PROC, bytes_read_by, cpu_seconds, memory_of


class Listed(TypedDict):
    """Objects, seconds without the client's import, requests, bytes; the peak memory (MiB)."""

    objects: int
    cpu: float
    wall: float
    requests: int
    received: int
    peak: float


def pods(kubeconfig: str, labels: str, pages: int | None) -> Listed:
    """List pods of all namespaces with these labels, in pages of 500; only the first ``pages``."""
    from kubernetes import client, config  # noqa: PLC0415 - half a second, where it is not needed

    api = client.CoreV1Api(config.new_client_from_config(kubeconfig))
    return _listed(api.list_pod_for_all_namespaces_with_http_info, labels, pages)


def deployments(kubeconfig: str, labels: str, pages: int | None) -> Listed:
    """The same with Deployments."""
    from kubernetes import client, config  # noqa: PLC0415

    api = client.AppsV1Api(config.new_client_from_config(kubeconfig))
    return _listed(api.list_deployment_for_all_namespaces_with_http_info, labels, pages)


def nodes(kubeconfig: str, labels: str, pages: int | None) -> Listed:
    """The same with nodes."""
    from kubernetes import client, config  # noqa: PLC0415

    api = client.CoreV1Api(config.new_client_from_config(kubeconfig))
    return _listed(api.list_node_with_http_info, labels, pages)


def _listed(ask: Callable[..., Any], labels: str, pages: int | None) -> Listed:
    ask(limit=1)  # builds the models, once
    answered: list[int] = []

    def listed() -> int:
        kept, go_on = [], None
        while pages is None or len(answered) < pages:
            found, _, headers = ask(label_selector=labels, limit=500, _continue=go_on)
            answered.append(int(headers.get("Content-Length", 0)))
            kept += found.items
            go_on = found.metadata._continue if found.metadata else None
            if not go_on:
                break
        return len(kept)

    begin, before = time.monotonic(), bytes_read_by() if HAS_PROC else 0
    seconds, objects = cpu_seconds(listed)
    read = bytes_read_by() - before if HAS_PROC else 0
    return Listed(
        objects=objects,
        cpu=seconds,
        wall=time.monotonic() - begin,
        requests=len(answered),
        # A real API server sends long answers in chunks, without their length.
        received=sum(answered) if all(answered) else read,
        peak=memory_of().peak if HAS_PROC else 0.0,
    )

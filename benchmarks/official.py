"""The official Kubernetes client, as programs use it: pages of models, kept in a list.

Called in a process of its own, as what chaosd is compared with.
"""

from __future__ import annotations

from typing import TypedDict

from benchmarks.timing import HAS_PROC, cpu_seconds, memory_of


class Listed(TypedDict):
    """Objects, CPU seconds without the client's import, requests, bytes; the peak memory (MiB)."""

    objects: int
    cpu: float
    requests: int
    received: int
    peak: float


def pods(kubeconfig: str, labels: str, pages: int | None) -> Listed:
    """List pods of all namespaces with these labels, in pages of 500; only the first ``pages``."""
    from kubernetes import client, config  # noqa: PLC0415 - half a second, where it is not needed

    api = client.CoreV1Api(config.new_client_from_config(kubeconfig))
    api.list_pod_for_all_namespaces(limit=1)  # builds the models, once
    answered: list[int] = []

    def listed() -> int:
        kept, go_on = [], None
        while pages is None or len(answered) < pages:
            found, _, headers = api.list_pod_for_all_namespaces_with_http_info(
                label_selector=labels, limit=500, _continue=go_on
            )
            answered.append(int(headers["Content-Length"]))
            kept += found.items
            go_on = found.metadata._continue if found.metadata else None
            if not go_on:
                break
        return len(kept)

    seconds, objects = cpu_seconds(listed)
    return Listed(
        objects=objects,
        cpu=seconds,
        requests=len(answered),
        received=sum(answered),
        peak=memory_of().peak if HAS_PROC else 0.0,
    )

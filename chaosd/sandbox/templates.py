"""Pod templates for scenarios, from a few options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from chaosd.sandbox.controllers.timings import NEVER_READY, RUN, START, STOP
from chaosd.sandbox.objects import Json, thaw

OPT_IN = "chaosd.io/enabled"

Labels = Mapping[str, str] | None


class TemplateOptions(TypedDict, total=False):
    """What may be said about a pod, or about the pods of a workload."""

    pod_labels: Labels
    pod_annotations: Labels
    pod_opt_in: bool | None
    """Labels the pods `chaosd.io/enabled: "true"` or "false"."""
    image: str
    container: Json
    """More fields of the only container."""
    pod_spec: Json
    """More fields of the pod's spec (a `containers` replaces the only one)."""
    start_seconds: float | None
    stop_seconds: float | None
    run_seconds: float | None
    never_ready: bool


class WorkloadOptions(TemplateOptions, total=False):
    """What may be said about a workload besides its size."""

    labels: Labels
    opt_in: bool | None
    """Labels the workload itself `chaosd.io/enabled: "true"` or "false"."""
    min_ready_seconds: int


def pod_template(app: str, options: TemplateOptions) -> Json:
    """A pod template labelled app=APP with one container named `main`."""
    annotations = dict(options.get("pod_annotations") or {})
    times = {
        START: options.get("start_seconds"),
        STOP: options.get("stop_seconds"),
        RUN: options.get("run_seconds"),
    }
    annotations |= {key: str(value) for key, value in times.items() if value is not None}
    if options.get("never_ready"):
        annotations[NEVER_READY] = "true"
    labels = {"app": app, **(options.get("pod_labels") or {})}
    meta: Json = {"labels": with_opt_in(labels, options.get("pod_opt_in"))}
    if annotations:
        meta["annotations"] = annotations
    image = options.get("image") or f"sandbox/{app}:1"
    main = {"name": "main", "image": image, **options.get("container", {})}
    return {"metadata": meta, "spec": {"containers": [main], **thaw(options.get("pod_spec", {}))}}


def workload_spec(app: str, options: WorkloadOptions) -> Json:
    """Selector, template and minReadySeconds of a workload."""
    spec: Json = {
        "selector": {"matchLabels": {"app": app}},
        "template": pod_template(app, options),
    }
    if options.get("min_ready_seconds"):
        spec["minReadySeconds"] = options["min_ready_seconds"]
    return spec


def own_labels(options: WorkloadOptions) -> dict[str, str]:
    """The labels of the workload itself."""
    return with_opt_in(options.get("labels"), options.get("opt_in"))


def with_opt_in(labels: Labels, opt_in: bool | None) -> dict[str, str]:
    """Labels, with the opt-in label unless `opt_in` is None."""
    return {**(labels or {}), **({} if opt_in is None else {OPT_IN: str(opt_in).lower()})}

"""The exposition that Prometheus scrapes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from chaosd.core.backup import SnapshotTried
from chaosd.engine.stand import stand
from chaosd.report.counts import anonymous
from chaosd.report.metrics import Metrics
from tests.report.etcd_scene import MAIN, picture
from tests.report.scene import START, Scene, configuration, nights, policy

OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
UNITS = ("seconds", "bytes", "ratio", "info")


def busy(**changes: Any) -> Scene:
    """A scene in which every metric has been touched."""
    scene = Scene(configuration(policy(), policy("night", windows=nights()), **changes))
    scene.context.kill_intervals = {"web": 3600.0}
    scene.observer.step()
    scene.attempt()
    scene.watch(34)
    scene.attempt("night")
    scene.reporter.planned({"web": scene.time.now()})
    scene.reporter.failed("fence intent d53f9ef077be5f3ddebc", OSError("no"))
    scene.metrics.observe_request("get", "pods", "200", 0.2)
    held = {"nodes_held": {"web": 1}, "held_since": {"web": START}, "pods_left": {"web": 3}}
    now = stand(scene.context, scene.context.book.read())
    scene.reporter.standing(msgspec.structs.replace(now, **held))
    scene.reporter.etcd_declared((MAIN,))
    scene.reporter.etcd_pictured(picture(), leading=True)
    scene.reporter.etcd_backup(MAIN, timedelta(hours=1))
    scene.reporter.etcd_snapshots({"main": SnapshotTried(START, "", 4096, 1.5, START)})
    return scene


def test_the_names_follow_the_conventions() -> None:
    """What `promtool check metrics` asks: help, base units and `_total` where they belong."""
    body, _ = busy().metrics.render()
    found = [one for one in parse(body.decode()) if one.name.startswith("chaosd_")]
    assert len(found) >= 25
    for one in found:
        assert one.documentation.endswith("."), one.name
        assert re.fullmatch(r"[a-z][a-z_]*", one.name), one.name
        assert one.type in ("counter", "gauge", "histogram"), one.name
        # The parser takes the suffix of a counter off; nothing else may end like one.
        assert not re.search(r"_(total|count|sum|bucket|created)$", one.name), one.name
        assert not re.search(r"milli|micro|minutes|hours|_ms\b|kilobytes", one.name), one.name
        if one.type == "histogram":
            assert one.name.endswith(UNITS), one.name
        if one.type == "counter":
            assert {sample.name for sample in one.samples} == {f"{one.name}_total"}


@pytest.mark.skipif(
    not shutil.which("promtool") and "CI" not in os.environ, reason="promtool is not installed"
)
def test_promtool_finds_nothing_to_say() -> None:
    """Prometheus' own linter agrees."""
    body, _ = busy().metrics.render()
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=body, capture_output=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_everything_declared_is_served_under_its_name() -> None:
    """The reference lists the metrics that a busy process has, with their labels."""
    scene = busy()
    body, _ = scene.metrics.render()
    labels: dict[str, set[str]] = {}
    for family in parse(body.decode()):
        for sample in family.samples:
            name = re.sub(r"_(bucket|count|sum)$", "", sample.name)
            labels.setdefault(name, set()).update(sample.labels.keys() - {"le"})
    for declared in scene.metrics.declared:
        assert labels[declared.name] == set(declared.labels), declared.name
    assert len({declared.name for declared in scene.metrics.declared}) == len(
        scene.metrics.declared
    )


def test_the_accept_header_chooses_the_format() -> None:
    """Prometheus gets OpenMetrics when it asks, everybody else the plain text format."""
    scene = busy()
    body, content_type = scene.metrics.render(OPEN_METRICS)
    assert content_type.startswith("application/openmetrics-text")
    families = parse_open(body.decode())  # type: ignore[no-untyped-call]
    units = {one.name: one.unit for one in families}
    assert units["chaosd_recovery_seconds"] == "seconds"
    assert units["chaosd_ledger_bytes"] == "bytes"
    plain, content_type = scene.metrics.render()
    assert content_type.startswith("text/plain")
    assert b"# EOF" not in plain


@pytest.mark.parametrize("accept", ["", OPEN_METRICS, "text/plain;version=1.0.0"])
def test_no_created_series(accept: str) -> None:
    """Nobody pays for a second series per counter."""
    body, _ = busy().metrics.render(accept)
    assert b"_created" not in body


def test_the_name_of_the_cluster_is_on_every_sample() -> None:
    """As the configuration has it, also after a reload; without one there is no such label."""
    scene = busy(cluster="prod-eu")
    samples = [
        one for family in parse(scene.metrics.render()[0].decode()) for one in family.samples
    ]
    assert {one.labels.get("cluster") for one in samples} == {"prod-eu"}
    assert b"cluster=" not in busy().metrics.render()[0]


def test_the_process_and_python_are_measured_too() -> None:
    """CPU, memory and garbage collections are on the same registry."""
    body, _ = Metrics(CollectorRegistry(), "0.1.0").render()
    for name in (b"process_cpu_seconds_total", b"python_gc_collections_total", b"python_info"):
        assert name in body


def test_nothing_is_registered_globally() -> None:
    """Two processes' worth of metrics live side by side."""
    one, other = (Metrics(CollectorRegistry(), version) for version in ("1", "2"))
    assert b'chaosd_build_info{version="1"} 1.0' in one.render()[0]
    assert b'version="1"' not in other.render()[0]


def test_no_label_names_a_pod_or_a_workload() -> None:
    """The number of series does not grow with the cluster."""
    body, _ = busy().metrics.render()
    assert b"web-7f9c-x2k4p" not in body
    assert b"shop/Deployment/web" not in body
    assert b"d53f9ef077be5f3ddebc" not in body


@pytest.mark.parametrize(
    ("what", "label"),
    [
        ("fence intent d53f9ef077be5f3ddebc", "fence intent"),
        ("make the Event of intent d53f9ef077be5f3ddebc", "make the Event of intent"),
        ("answer request abcdefgh", "answer request"),
        ("job slot:web/*/2026-11-05T10:00:00Z#0", "job"),
        ("loop observe", "loop observe"),
    ],
)
def test_failures_are_labelled_without_names(what: str, label: str) -> None:
    """A failure's label says what was done, not to which of a thousand intents."""
    assert anonymous(what) == label


def test_the_labels_of_failures_are_bounded() -> None:
    """Whatever goes wrong in however many ways, there are 51 series at most."""
    scene = Scene()
    for number in range(200):
        scene.reporter.failed(f"new way {number}", OSError("no"))
    series = [
        sample
        for family in scene.registry.collect()
        for sample in family.samples
        if sample.name == "chaosd_failures_total"
    ]
    assert len(series) == 51
    assert sum(sample.value for sample in series) == 200
    assert scene.value("chaosd_failures_total", what="other") == 150

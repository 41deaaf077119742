"""Prometheus and promtool: a missing one is a loud skip on a laptop, and a failure in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
import yaml

from tests.support.ports import steady_ports
from tests.support.waiting import until

Json = dict[str, Any]


def program(name: str) -> str:
    """The path of ``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    if found is None:
        what = f"{name} IS MISSING. On Debian, as root: apt-get install prometheus"
        if "CI" in os.environ:
            pytest.fail(what)
        pytest.skip(what)
    return found


def run(*arguments: str | Path, given: str = "") -> str:
    """What promtool says to what is given on its standard input; fails unless it is content."""
    command = [program("promtool"), *map(str, arguments)]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=False, timeout=120
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def rules_hold(folder: Path, document: dict[str, Any]) -> None:
    """`promtool test rules` on a document."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(document))
    run("test", "rules", path)


class Prometheus:
    """A server of its own that scrapes one process each second; ended with the ``with`` block.

    It adds the labels that a PodMonitor of the Prometheus operator adds, and, as the chart's
    monitors say, lets those of the process win.
    """

    def __init__(self, folder: Path, target: str, rules: Path) -> None:
        self._folder = folder
        [port] = steady_ports(1)
        self._url = f"http://127.0.0.1:{port}"
        labels = {"cluster": "test", "namespace": "chaosd", "job": "chaosd/chaosd", "pod": "one"}
        settings = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {
                    "job_name": "chaosd/chaosd",
                    "honor_labels": True,
                    "static_configs": [{"targets": [target], "labels": labels}],
                }
            ],
        }
        self._file = folder / "prometheus.yaml"
        self._file.write_text(yaml.safe_dump(settings))

    def __enter__(self) -> Self:
        command = [
            program("prometheus"),
            f"--config.file={self._file}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self._url.removeprefix('http://')}",
            "--log.level=warn",
        ]
        self._log = (self._folder / "prometheus.log").open("w")
        self._process = subprocess.Popen(command, stdout=self._log, stderr=subprocess.STDOUT)
        try:
            until(self._ready, self._said)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _said(self) -> str:
        return Path(self._log.name).read_text()

    def _ready(self) -> bool:
        assert self._process.poll() is None, self._said()
        try:
            return httpx.get(f"{self._url}/-/ready", timeout=10).status_code == 200
        except httpx.TransportError:
            return False

    def _ask(self, path: str, **parameters: str | float) -> Any:
        answer = httpx.post(f"{self._url}/api/v1/{path}", data=parameters, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def now(self, expression: str) -> list[Json]:
        """The series of an expression at this moment, each with its ``metric`` and ``value``."""
        found: list[Json] = self._ask("query", query=expression)["result"]
        return found

    def lately(self, expression: str, seconds: float) -> list[Json]:
        """The series of an expression over the last seconds; AssertionError if it is wrong."""
        end = time.time()
        data = self._ask("query_range", query=expression, start=end - seconds, end=end, step=1)
        found: list[Json] = data["result"]
        return found

    def metrics(self) -> set[str]:
        """The names of all that was scraped and recorded."""
        answer = httpx.get(f"{self._url}/api/v1/label/__name__/values", timeout=60)
        return set(answer.json()["data"])

"""What the daemon serves, over real HTTP on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_metrics

from chaosd.daemon.http import Answers, HttpServer, application
from chaosd.report.metrics import Metrics

PATHS = ("/metrics", "/healthz", "/readyz", "/")


class Told:
    """What the process answers, set by a test."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry(), "1.2.3")
        self.well()

    def well(self) -> None:
        self.unhealthy: tuple[str, ...] = ()
        self.unready: tuple[str, ...] = ()
        self.status = "chaosd leads\n"

    def answers(self) -> Answers:
        return Answers(
            self.metrics.render,
            lambda: self.unhealthy,
            lambda: self.unready,
            lambda: self.status,
        )


@contextmanager
def serving(told: Told, host: str = "127.0.0.1", port: int = 0) -> Iterator[HttpServer]:
    server = HttpServer(application(told.answers()), host, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.alive()


@pytest.fixture(scope="module")
def process() -> Told:
    return Told()


@pytest.fixture
def told(process: Told) -> Told:
    process.well()
    return process


@pytest.fixture(scope="module")
def client(process: Told) -> Iterator[httpx.Client]:
    with serving(process) as server, httpx.Client(base_url=server.address, timeout=20) as opened:
        yield opened


def test_metrics_as_text(client: httpx.Client) -> None:
    """What every Prometheus reads, with the version among it."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = {s.name: s for f in text_metrics(answer.text) for s in f.samples}
    assert samples["chaosd_build_info"].labels == {"version": "1.2.3"}


def test_metrics_as_openmetrics(client: httpx.Client) -> None:
    """For those who ask for it; the text ends as OpenMetrics demands."""
    accept = "application/openmetrics-text; version=1.0.0"
    answer = client.get("/metrics", headers={"Accept": accept})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    assert "chaosd_build" in {family.name for family in open_metrics(answer.text)}  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_all_is_well(client: httpx.Client, told: Told, path: str) -> None:
    """200 and a word."""
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(
    ("path", "other", "field"),
    [("/healthz", "/readyz", "unhealthy"), ("/readyz", "/healthz", "unready")],
)
def test_complaints(client: httpx.Client, told: Told, path: str, other: str, field: str) -> None:
    """503, and every reason on a line of its own; the other answer is not touched by it."""
    setattr(told, field, ("loop lead is stuck", "the ledger is gone"))
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer.text == "loop lead is stuck\nthe ledger is gone\n"
    assert client.get(other).status_code == 200
    setattr(told, field, ())
    assert client.get(path).status_code == 200


def test_the_status_is_plain_text(client: httpx.Client, told: Told) -> None:
    """Whatever stands in it, no browser takes it for a page."""
    told.status = "policy <script>alert(1)</script>\n"
    answer = client.get("/")
    assert answer.text == told.status
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", [*PATHS, "/nothing"])
def test_security_headers(client: httpx.Client, path: str) -> None:
    """Nothing is stored or guessed at, and nobody learns which server this is."""
    headers = client.get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", PATHS)
def test_reading_only(client: httpx.Client, method: str, path: str) -> None:
    """Nothing can be changed over HTTP."""
    answer = client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@pytest.mark.parametrize("path", ["/nothing", "/api/v1", "/healthz/x", "/..%2f"])
def test_no_such_page(client: httpx.Client, path: str) -> None:
    """404 and nothing else."""
    answer = client.get(path)
    assert (answer.status_code, answer.text) == (404, "Not Found\n")


def test_a_port_in_use(told: Told) -> None:
    """Said at once, before anything starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            HttpServer(application(told.answers()), "127.0.0.1", port)


def test_the_port_is_free_again_after_the_end(told: Told) -> None:
    """A daemon that is started anew can have it."""
    with serving(told) as server:
        port = int(server.address.rpartition(":")[2])
        httpx.get(f"{server.address}/healthz")
    with serving(told, port=port) as server:
        assert httpx.get(f"{server.address}/healthz").status_code == 200


def test_an_idle_client_does_not_hold_the_end(told: Told) -> None:
    """Connections that are kept open, or never said anything, are closed."""
    with serving(told) as server, httpx.Client(base_url=server.address) as client:
        assert client.get("/healthz").status_code == 200
        host, port = server.address.removeprefix("http://").split(":")
        silent = socket.create_connection((host, int(port)))
    silent.close()


def test_ipv6(told: Told) -> None:
    """The address is a URL there too."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    with serving(told, host="::1") as server:
        assert server.address.startswith("http://[::1]:")
        assert httpx.get(f"{server.address}/readyz").text == "ok\n"

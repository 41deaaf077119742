"""``chaosd run``: from a file and a cluster to a process that ends with SIGTERM."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from functools import partial
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from chaosd.config.watching import FileSettings
from chaosd.daemon.clocks import SystemClock
from chaosd.daemon.gate import Gate
from chaosd.daemon.http import Answers
from chaosd.daemon.loops import Pulse
from chaosd.daemon.process import Process
from chaosd.daemon.signals import Shutdown, heed
from chaosd.daemon.start import preflight
from chaosd.daemon.view import View
from chaosd.daemon.wiring import Connection, about, build_context, connect, etcd_watchers
from chaosd.engine.context import Context
from chaosd.report import status_text
from chaosd.report.logs import configure
from chaosd.report.metrics import Metrics
from chaosd.report.reporter import Reporter

WENT_WRONG = 1
WRONG_INPUT = 2
_ENDS = (signal.SIGTERM, signal.SIGINT)


def run_daemon(
    file: str | os.PathLike[str],
    *,
    listen: str,
    kubeconfig: str | None = None,
    context: str | None = None,
    namespace: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code. Raises SignInFailed.

    An API server that does not answer is waited for, however long that takes.
    """
    shutdown = Shutdown()
    # As process 1 of a container, what has no handler is ignored.
    heed(_ENDS, shutdown.exit)
    clock = SystemClock()
    logger = configure(clock.now)
    metrics = Metrics(CollectorRegistry(), version("chaosd"))
    reporter = Reporter(metrics, logger, clock.now)
    settings = FileSettings(file, environ)
    loaded = settings.load()
    if loaded.problems or loaded.configuration is None:
        logger.error("the configuration is invalid", problems=list(loaded.problems))
        return WRONG_INPUT
    pulse = Pulse(clock)
    observe = pulse.through(metrics.observe_request)
    connection = connect(kubeconfig, context, namespace, clock, observe, environ)
    reporter.noted("connecting", cluster=connection.where(), namespace=connection.namespace)
    holder = f"{connection.pod or socket.gethostname()}-{secrets.token_hex(4)}"
    context_ = build_context(connection, settings, reporter, holder)
    metrics.gauges.leads(lambda: context_.leading)
    watchers = etcd_watchers(connection.etcd, context_, reporter)
    process = Process(
        context_, connection.ledger, about(connection), clock, pulse, watchers=watchers
    )
    try:
        host, port = split_address(listen)
        address = process.serve(
            answers(process, context_, connection, metrics, reporter), host, port
        )
    except (OSError, ValueError) as error:
        logger.error("can't listen", address=listen, why=str(error))
        return WENT_WRONG
    reporter.noted("serving", address=address)
    awaits = partial(_awaits, process, shutdown)
    if not preflight(connection, lambda: settings.load().configuration, reporter, awaits):
        process.stop_serving()
        return WENT_WRONG
    return _until(shutdown, process, reporter, address)


def _awaits(process: Process, shutdown: Shutdown, why: str) -> None:
    process.awaits(why)
    if why and shutdown:
        sys.exit(0)


def _until(shutdown: Shutdown, process: Process, reporter: Reporter, address: str) -> int:
    heed(_ENDS, shutdown.tell)
    if shutdown:
        process.stop_serving()
        return 0
    process.start()
    reporter.noted("started", address=address)
    while not shutdown.wait():
        pass
    if not process.stop():
        # Python would wait for threads that hang. Nothing is lost with them: what they were at is
        # in the ledger, left open for whoever leads next.
        sys.stderr.flush()
        os._exit(0)
    return 0


def answers(
    process: Process,
    context: Context,
    connection: Connection,
    metrics: Metrics,
    reporter: Reporter,
    gate: Gate | None = None,
) -> Answers:
    """What the process answers over HTTP; ``gate`` is for questions that cost requests."""

    view = View(context, connection, reporter, gate or Gate(connection.clock.boot))

    def page() -> str:
        return status_text.render(view.status(), namespace=connection.namespace)

    return Answers(metrics.render, process.unhealthy, process.unready, page, view)


def split_address(listen: str) -> tuple[str, int]:
    """Host and port of ``HOST:PORT`` (``[::1]:8080`` for IPv6); ValueError says what is wrong."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{listen!r} is not HOST:PORT, like 0.0.0.0:8080")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - a pod serves its cluster

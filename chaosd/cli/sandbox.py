"""``chaosd sandbox``: a small cluster in this process, and the real daemon against it."""

from __future__ import annotations

import io
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from chaosd.cli.output import out
from chaosd.cli.sandbox_etcd import find_etcd, say_that_it_dies
from chaosd.daemon.signals import Shutdown, heeded

if TYPE_CHECKING:
    from types import FrameType

    from chaosd.cli.live import Screen
    from chaosd.cli.narrate import Narrator
    from chaosd.cli.stage import Stage
    from chaosd.report.metrics import Metrics
    from chaosd.report.reporter import Reporter
    from chaosd.sandbox import AcceleratedClock

DEMO_SPEED = 10.0
DEMO_START = datetime(2026, 3, 4, 11, 57, 0, tzinfo=UTC)
DEMO_KILLS = 5
DEMO_SECONDS = 150.0
_EVERY = 0.2
_ABOUT_THE_PAGE = "(what may be killed, and how to stop it)"

Demo = Annotated[
    bool, typer.Option("--demo", help="End after five kills and recoveries, about a minute.")
]
Speed = Annotated[
    float | None,
    typer.Option(min=0.1, max=60, help="How much faster than real time (1; the demo: 10)."),
]
Config = Annotated[
    Path | None,
    typer.Option("--file", "-f", help="A configuration of your own.", show_default=False),
]
Port = Annotated[int, typer.Option(help="The port of the simulated API server (0: a free one).")]
Scenario = Annotated[
    Literal["shop", "nodes", "etcd"],
    typer.Option(
        help="What is in the cluster: a shop, two pools of nodes to drain, or real etcd members."
    ),
]
Etcd = Annotated[
    Path | None,
    typer.Option(
        "--etcd",
        exists=True,
        dir_okay=False,
        resolve_path=True,
        help="The program etcd, for the scenario of that name (else the one on the PATH).",
        show_default=False,
    ),
]
Listen = Annotated[int, typer.Option(help="The port of the daemon's pages (0: a free one).")]


def sandbox(
    demo: Demo = False,
    speed: Speed = None,
    file: Config = None,
    port: Port = 0,
    listen: Listen = 0,
    scenario: Scenario = "shop",
    etcd: Etcd = None,
) -> None:
    """Try chaosd without a cluster: a simulated one with a real API, for kubectl too.

    Goes on until Ctrl-C and prints where everything is.
    """
    if file is not None:
        from chaosd.cli.file import load_file  # noqa: PLC0415 - only when it is needed

        load_file(file)
    if demo and scenario != "shop":
        raise typer.BadParameter("the demo is the one of the scenario shop", param_hint="--demo")
    if etcd is not None and scenario != "etcd":
        raise typer.BadParameter("it is for --scenario etcd", param_hint="--etcd")
    members = find_etcd(etcd) if scenario == "etcd" else None
    with ended_by_signals() as shutdown:
        if demo:
            raise typer.Exit(_demo(speed or DEMO_SPEED, file, port, listen, shutdown))
        _serve(speed or 1.0, file, port, listen, scenario, members, shutdown)


@contextmanager
def ended_by_signals() -> Iterator[Shutdown]:
    """Ctrl-C, SIGTERM and SIGHUP (a terminal that is closed) ask for an end with everything cleaned
    up, however often they come; only a second Ctrl-C interrupts what is under way."""
    shutdown = Shutdown()

    def interrupted(number: int, frame: FrameType | None) -> None:
        shutdown.tell(number, frame)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    ends = (signal.SIGTERM, signal.SIGHUP)
    with heeded([signal.SIGINT], interrupted), heeded(ends, shutdown.tell):
        yield shutdown


def _serve(
    speed: float,
    file: Path | None,
    port: int,
    listen: int,
    scenario: str,
    members: Path | None,
    shutdown: Shutdown,
) -> None:
    from chaosd.cli.stage import Stage  # noqa: PLC0415 - brings everything along
    from chaosd.report.logs import configure  # noqa: PLC0415
    from chaosd.report.reporter import Reporter  # noqa: PLC0415
    from chaosd.sandbox.members import Members  # noqa: PLC0415

    def reporting(metrics: Metrics, clock: AcceleratedClock) -> tuple[Reporter, Reporter]:
        reporter = Reporter(metrics, configure(clock.now), clock.now)
        return reporter, reporter

    make = partial(Members, members, dying=say_that_it_dies) if members else None
    with Stage(speed, None, file, port, listen, reporting, scenario, make) as stage:
        if not shutdown:
            _say_where(stage, speed)
        while not shutdown.wait():
            pass
        with suppress(OSError):  # the terminal is gone
            out().print("\nstopping")


def _say_where(stage: Stage, speed: float) -> None:
    pace = "in real time" if speed == 1 else f"{speed:g} times as fast as real time"
    out().print(
        f"The sandbox runs {pace}, until Ctrl-C.\n"
        f"  page           {stage.address}/ {_ABOUT_THE_PAGE}\n"
        f"  kubeconfig     {stage.kubeconfig}\n"
        f"  configuration  {stage.file}\n"
        f"  metrics        {stage.address}/metrics\n"
        f"Try:\n"
        f"  kubectl --kubeconfig {stage.kubeconfig} get pods -A -w\n"
        f"  chaosd status --kubeconfig {stage.kubeconfig} -f {stage.file}\n"
        f"  chaosd explain --kubeconfig {stage.kubeconfig} -f {stage.file}\n"
        f"  chaosd halt --kubeconfig {stage.kubeconfig} --reason 'trying it'\n"
    )
    if stage.members is not None:
        endpoints = ",".join(stage.members.endpoints)
        out().print(
            f"  etcdctl --endpoints {endpoints} endpoint status -w table\n"
            f"The members' data and logs are in {stage.members.folder}.\n"
        )


def _demo(speed: float, file: Path | None, port: int, listen: int, shutdown: Shutdown) -> int:
    from chaosd.cli.ending import ending  # noqa: PLC0415 - brings everything along
    from chaosd.cli.live import Screen  # noqa: PLC0415
    from chaosd.cli.narrate import EVERYTHING, Narrator  # noqa: PLC0415
    from chaosd.cli.stage import Stage  # noqa: PLC0415
    from chaosd.report.logs import configure  # noqa: PLC0415
    from chaosd.report.reporter import Reporter  # noqa: PLC0415

    story = Story()
    narrators: list[Narrator] = []

    def reporting(metrics: Metrics, clock: AcceleratedClock) -> tuple[Reporter, Narrator]:
        silent = configure(clock.now, stream=io.StringIO())
        reporter = Reporter(metrics, silent, clock.now)
        narrators.append(Narrator(reporter, clock.now, story.tell))
        return reporter, narrators[0]

    with Stage(speed, DEMO_START, file, port, listen, reporting) as stage:
        head = (
            f"Cluster and daemon run on one clock, {speed:g} times as fast as real time.\n"
            f"page {stage.address}/ {_ABOUT_THE_PAGE}\n"
            f"kubeconfig {stage.kubeconfig}"
        )
        with Screen(out(), stage.cluster, stage.clock.now, head) as screen:
            story.begin(screen)
            # A configuration of somebody's own need not have all of it.
            parts = EVERYTHING if file is None else ()
            patience = DEMO_SECONDS * max(1.0, DEMO_SPEED / speed)
            missing = _watch(narrators[0], parts, patience, shutdown)
            story.end()
        return ending(stage, narrators[0], missing)


def _watch(
    narrator: Narrator, parts: tuple[str, ...], seconds: float, shutdown: Shutdown
) -> list[str]:
    """Wait for all there is to show, for so many real seconds at most; returns what is missing."""
    until = time.monotonic() + seconds
    while (missing := narrator.missing(DEMO_KILLS, parts)) and time.monotonic() < until:
        if shutdown.wait(_EVERY):
            raise KeyboardInterrupt
    return missing


class Story:
    """Lines on their way to the screen: kept until there is one, dropped when it is gone."""

    def __init__(self) -> None:
        self._early: list[tuple[str, str]] = []
        self._screen: Screen | None = None
        self._ended = False

    def tell(self, line: str, style: str) -> None:
        """Add a line."""
        if self._screen is not None:
            self._screen.tell(line, style)
        elif not self._ended:
            self._early.append((line, style))

    def begin(self, screen: Screen) -> None:
        """Tell what was kept, and from now on everything."""
        for line, style in self._early:
            screen.tell(line, style)
        self._screen = screen

    def end(self) -> None:
        """Nothing more is told."""
        self._screen, self._ended = None, True

"""``chaosd status``: may anything be killed, and what is going on."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chaosd.cli.cluster import connected
from chaosd.cli.failures import Failed, Mistakes, in_words
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, FileOption, Kubeconfig, Namespace
from chaosd.cli.output import Output, out, print_json
from chaosd.cli.standing import read_standing
from chaosd.core.model import Configuration
from chaosd.core.status import Status
from chaosd.ports import CallFailed

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection

_EVERY = 2.0
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Look again every 2 seconds.")]


def status(
    file: FileOption = None,
    watch: Watch = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Say whether anything can be killed now, who leads, what is halted and by whom, what is open.

    All of it is read from the ledger in the cluster; with the configuration file also windows,
    limits and policies.
    """
    connection = connected(kubeconfig, context, namespace)
    if not watch:
        found = _look(connection, file)
        if output is Output.JSON:
            print_json(found)
        else:
            _print(_text(found, connection.namespace))
        return
    if output is Output.JSON or not out().is_terminal:
        _follow(connection, file, output)
    else:
        _live(connection, file)


def _look(connection: Connection, file: Path | None) -> Status:
    configuration: Configuration | None = None
    problems: tuple[str, ...] = ()
    if file is not None:
        try:
            configuration = load_file(file)
        except Mistakes as found:
            problems = tuple(str(place) for place in found.places)
    standing = read_standing(connection, configuration, problems)
    if not standing.started:
        # Saying that nothing can be killed would be wrong if chaosd runs in another namespace.
        raise Failed(standing.status.ledger_problem)
    return standing.status


def _text(found: Status, namespace: str) -> str:
    from chaosd.report.status_text import render  # noqa: PLC0415

    return render(found, namespace=namespace)


def _print(text: str) -> None:
    first, _, rest = text.partition("\n")
    style = "bold red" if " CAN be killed" in first else "bold"
    out().print(first, style=style, soft_wrap=True)
    out().print(rest.rstrip("\n"), soft_wrap=True)


def _follow(connection: Connection, file: Path | None, output: Output) -> None:
    """Say it again whenever something has changed: for logs and programs."""
    before = ""
    while True:
        found = _look(connection, file)
        key = f"{found.revision} {found.because}"
        if key != before:
            if output is Output.JSON:
                print_json(found)
            else:
                _print(_text(found, connection.namespace))
            before = key
        time.sleep(_EVERY)


def _live(connection: Connection, file: Path | None) -> None:
    from rich.live import Live  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    with Live(console=out(), screen=True, auto_refresh=False) as live:
        while True:
            try:
                text = _text(_look(connection, file), connection.namespace)
            except CallFailed as error:
                text = f"{in_words(error, looking=True)}\n"
            live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(_EVERY)

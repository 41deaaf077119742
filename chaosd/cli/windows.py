"""``chaosd windows``: is it open at that time, why, and until when."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosd.cli.file import load_file, policy_of
from chaosd.cli.options import As, File, PolicyName
from chaosd.cli.output import Output, local, out, print_json
from chaosd.cli.times import parse_time
from chaosd.core.window import Opening, opening

At = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="RFC 3339, such as 2026-12-18T10:00:00+01:00; else now.",
        show_default=False,
    ),
]


def windows(file: File, at: At = None, policy: PolicyName = "", output: As = Output.TEXT) -> None:
    """Say whether the windows are open at a time, why, and when that changes.

    Without --policy these are the global windows. Open is not yet strikeable: an action only starts
    if its recovery deadline still fits before the window closes (see explain).
    """
    configuration = load_file(file)
    chosen = policy_of(configuration, policy).windows if policy else configuration.windows
    when = parse_time("--at", at, chosen.zone)
    found = opening(chosen, when)
    if output is Output.JSON:
        print_json({"open": found.open, "because": found.because, "next_change": found.next_change})
        return
    whose = f"policy {policy}" if policy else "all policies"
    state = "open" if found.open else "closed"
    out().print(f"{state} for {whose} at {local(when, chosen.zone)}", style=_style(found))
    for because in found.because:
        out().print(f"  {because}")
    if found.next_change is None:
        out().print("  and that does not change within two years")
    else:
        then = "closes" if found.open else "opens"
        out().print(f"  {then} at {local(found.next_change, chosen.zone)}")


def _style(found: Opening) -> str | None:
    if not out().is_terminal:
        return None
    return "bold green" if found.open else "bold yellow"

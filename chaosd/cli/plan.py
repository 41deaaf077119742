"""``chaosd plan``: which kills would come, by the very function that the daemon plans with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from chaosd.cli.cluster import connected
from chaosd.cli.failures import Mistaken, NoCluster
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, File, Kubeconfig, Namespace
from chaosd.cli.output import Output, local, note, out, print_json, table, zulu
from chaosd.cli.times import parse_time
from chaosd.cli.workloads import rates_by_name, read_workloads
from chaosd.core.ledger import Ledger
from chaosd.core.model import EVERY_WORKLOAD, Configuration
from chaosd.core.preview import Kill, preview, remembered
from chaosd.core.schedule import MeanTime, Rate
from chaosd.engine.book import Book, LedgerUnusable
from chaosd.engine.plan import survey_rates
from chaosd.ports import NotSent

Days = Annotated[int, typer.Option(min=1, max=3660, help="How many days to look ahead.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="TIME",
        help="RFC 3339, such as 2026-12-18T10:00:00Z; else now.",
        show_default=False,
    ),
]
Workloads = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Workloads, one namespace/Kind/name a line (- is standard input); else the cluster's.",
    ),
]
Seed = Annotated[
    str | None,
    typer.Option(
        help="The seed, where the file has none: the UID of the namespace kube-system; else the "
        "cluster is asked.",
    ),
]


class Given(Struct, frozen=True):
    """What a plan is made of, besides the file."""

    seed: str
    rates: Mapping[str, Sequence[Rate]]
    ledger: Ledger


def plan(  # noqa: PLR0913, PLR0917 - options
    file: File,
    days: Days = 7,
    start: From = None,
    workloads: Workloads = None,
    seed: Seed = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """List the kills to come, if each succeeds and recovers at once.

    The same seed, configuration, workloads and ledger give the same plan, and the daemon follows
    it. Workload * means that the draw decides at that moment. What the cluster's ledger remembers
    (limits, gaps, cooldowns) counts; its halts and open intents do not.
    """
    configuration = load_file(file)
    after = parse_time("--from", start, configuration.windows.zone)
    if seed is not None and configuration.seed is not None and seed != configuration.seed:
        raise Mistaken(
            f"--seed {seed!r} is not the file's own, {configuration.seed!r}: leave it out"
        )
    given = _given(
        configuration,
        after,
        workloads,
        seed or configuration.seed,
        (kubeconfig, context, namespace),
    )
    kills = list(
        preview(
            configuration,
            given.seed,
            given.rates,
            after,
            after + timedelta(days=days),
            given.ledger,
        )
    )
    if output is Output.JSON:
        print_json(
            [{"time": kill.at, "policy": kill.policy, "workload": kill.workload} for kill in kills]
        )
        return
    _print(configuration, kills, after, days)


def _given(
    configuration: Configuration,
    after: datetime,
    workloads: Path | None,
    seed: str | None,
    where: tuple[str | None, str | None, str | None],
) -> Given:
    """Put together what the plan needs, from the command line or else the cluster.

    Raises Mistaken that says what is missing when there is no cluster to ask.
    """
    named = read_workloads(workloads) if workloads else None
    mean = any(isinstance(one.schedule, MeanTime) for one in configuration.policies)
    missing = []
    if seed is None:
        missing.append(
            "a seed: write seed: in the file, or --seed with the UID of the namespace kube-system"
        )
    if mean and named is None:
        missing.append(
            "workloads, for policies with meanTimeBetweenKills: name a file of them, one "
            "namespace/Kind/name a line, with --workloads"
        )
    rates = rates_by_name(configuration, named or ())
    if not missing:
        _mention_unused(named or (), rates)
        return Given(seed or "", rates, Ledger())
    try:
        connection = connected(*where)
        if seed is None:
            seed = connection.cluster.seed()
        if named is None:
            rates = survey_rates(configuration, connection.targets, after)
        try:
            ledger = Book(connection.ledger).read().ledger
        except LedgerUnusable:
            ledger = Ledger()
    except (NoCluster, NotSent) as error:
        lines = "\n".join(f"  - {one}" for one in missing)
        raise Mistaken(f"a plan needs, as there is no cluster to ask ({error}):\n{lines}") from None
    return Given(seed, rates, remembered(ledger, after))


def _mention_unused(named: Sequence[object], rates: Mapping[str, Sequence[Rate]]) -> None:
    used = {rate.workload for some in rates.values() for rate in some}
    unused = [str(key) for key in named if str(key) not in used]
    if unused:
        note(
            f"no policy with meanTimeBetweenKills may choose {', '.join(unused[:5])}"
            + (f" and {len(unused) - 5} more" if len(unused) > 5 else "")
        )


def _print(configuration: Configuration, kills: Sequence[Kill], after: datetime, days: int) -> None:
    zone = configuration.windows.zone
    dry = {policy.name for policy in configuration.policies if policy.dry_run}
    rows = table("time", "policy", "workload", "")
    for kill in kills:
        workload = "drawn then" if kill.workload == EVERY_WORKLOAD else kill.workload
        mode = "dry run" if kill.policy in dry else ""
        rows.add_row(local(kill.at, zone), kill.policy, workload, mode)
    if kills:
        out().print(rows)
    if configuration.halted:
        note("the configuration says halted: true, so nothing is planned")
    span = f"{days} day{'' if days == 1 else 's'} from {zulu(after)}"
    out().print(f"{len(kills)} kill{'' if len(kills) == 1 else 's'} in {span}")

"""``python -m tests.soak``: the two soaks of docs/etcd.md, and their figures as a table."""

from __future__ import annotations

import argparse
import sys

from rich.console import Console
from rich.progress import Progress

from tests.real.control_plane import binary
from tests.soak.run import Outcome, soak, spread

_SEED = 20_261_121


def main() -> int:
    """Exit 0 when every promise was kept, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--kills", type=int, default=500, help="with three members (500)")
    parser.add_argument(
        "--troubled-kills", type=int, default=100, help="with five members, and troubles (100)"
    )
    asked = parser.parse_args()
    etcd = binary("etcd")
    if etcd is None:
        sys.exit("there is no program etcd: `make tools` (it needs Go) builds it")
    outcomes = []
    with Progress(console=Console(stderr=True)) as progress:
        for members, kills, troubles in (
            (3, asked.kills, None),
            (5, asked.troubled_kills, _SEED),
        ):
            if not kills:
                continue
            task = progress.add_task(f"{members} members", total=kills)
            done = lambda seen, task=task: progress.update(task, completed=seen)  # noqa: E731
            outcomes.append(soak(etcd, members, kills, troubles=troubles, progress=done))
    _print(outcomes)
    return int(any(broken(one) for one in outcomes))


def broken(outcome: Outcome) -> list[str]:
    """The promises that were not kept, in words."""
    told = []
    if outcome.fewest < outcome.quorum:
        told.append(f"a member was struck while only {outcome.fewest} others were running")
    if outcome.lost:
        told.append(f"{len(outcome.lost)} acknowledged writes were lost")
    if outcome.without_reason:
        told.append(f"{outcome.without_reason} refusals have no reason")
    return told


def _print(outcomes: list[Outcome]) -> None:
    rows = [
        ("", *(f"{one.members} members" + (", troubled" * bool(one.troubles)) for one in outcomes)),
        ("---", *("---" for _ in outcomes)),
        ("kills", *(str(one.kills) for one in outcomes)),
        ("of which the leader's", *(str(one.leader_kills) for one in outcomes)),
        ("by policy", *(_counts(one.by_policy) for one in outcomes)),
        ("moves of the leader", *(str(one.moves) for one in outcomes)),
        ("troubles from outside", *(str(one.troubles) for one in outcomes)),
        ("others running at a strike, at least", *(str(one.fewest) for one in outcomes)),
        ("quorum", *(str(one.quorum) for one in outcomes)),
        ("recovered / not", *(f"{one.recovered} / {one.not_recovered}" for one in outcomes)),
        ("writes answered", *(str(one.answered) for one in outcomes)),
        ("**answered writes lost**", *(f"**{len(one.lost)}**" for one in outcomes)),
        ("longest without a write, s", *(f"{one.longest_without_write:.2f}" for one in outcomes)),
        ("seconds to recover", *(spread(one.recoveries) for one in outcomes)),
        ("seconds without a leader", *(spread(one.leaderless) for one in outcomes)),
        ("longest gap of reads, s", *(spread(one.read_gaps) for one in outcomes)),
        ("attempts that were refused, by reason", *(_counts(one.refusals) for one in outcomes)),
        ("minutes", *(f"{one.seconds / 60:.0f}" for one in outcomes)),
    ]
    for row in rows:
        sys.stdout.write(f"| {' | '.join(row)} |\n")
    for one in outcomes:
        for what in broken(one):
            sys.stdout.write(f"\nBROKEN, with {one.members} members: {what}\n")


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {n}" for name, n in sorted(counts.items())) or "none"


if __name__ == "__main__":
    sys.exit(main())

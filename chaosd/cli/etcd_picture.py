"""Declared etcd clusters on the terminal: who leads, who lags, and how many may be missed."""

from __future__ import annotations

from chaosd.cli.output import out, table
from chaosd.core.etcd_answer import EtcdAnswer, EtcdMemberAnswer

_MIB = 1024 * 1024


def print_etcd(answer: EtcdAnswer) -> None:
    """One cluster: its margin in a line, its members in a table, and all that speaks against."""
    out().print(f"etcd {answer.cluster}: {_margin(answer)}", style="bold")
    rows = table("  member", "id", "role", "health", "behind", "database", "alarms", "where")
    for member in answer.members:
        rows.add_row(
            f"  {member.name or '(unnamed)'}",
            member.id,
            member.role,
            "healthy" if member.healthy else f"not healthy: {member.error}",
            "?" if member.lag is None else str(member.lag),
            _database(member),
            ", ".join(member.alarms) or "none",
            _where(member),
        )
    if answer.members:
        out().print(rows)
    if answer.against:
        out().print("  no member may be taken down now:")
        for reason in answer.against:
            out().print(f"    {reason}")
    else:
        out().print("  one member may be taken down now")
    out().print()


def _margin(answer: EtcdAnswer) -> str:
    if not answer.voters:
        return "its members are not known"
    led = f"led by {answer.leader}" if answer.leader else "without a leader that all agree on"
    return (
        f"{answer.healthy} of {answer.voters} voters healthy, quorum {answer.quorum},"
        f" margin {answer.margin}, {led}"
    )


def _database(member: EtcdMemberAnswer) -> str:
    if not member.size:
        return "?"
    return f"{member.size / _MIB:.1f} MiB ({member.in_use / _MIB:.1f} in use)"


def _where(member: EtcdMemberAnswer) -> str:
    places = [
        f"pod {member.pod}" if member.pod else "",
        f"node {member.node}" if member.node else "",
    ]
    return ", ".join(place for place in (*places, member.endpoint) if place)

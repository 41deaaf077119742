"""Who may propose itself as leader: the rules of a Kubernetes Lease, as a pure state machine.

As in client-go's leaderelection: changes of the Lease are judged by local time only, so that
clocks of different machines are never compared. Unlike there, validity is counted from before the
renewal was *sent*, so that a late answer or a freeze can't stretch it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

DURATION = 15.0
VALID_FOR = 13.0
RENEW_EVERY = 4.0
RETRY_EVERY = 2.0
UNKNOWN = "unknown"


class LeaseSpec(Struct, frozen=True, rename="camel"):
    """The spec of a coordination.k8s.io/v1 Lease; times are RFC 3339 with six decimals."""

    holder_identity: str | None = None
    lease_duration_seconds: int | None = None
    acquire_time: str | None = None
    renew_time: str | None = None
    lease_transitions: int | None = None


# Made at the import: a process in which two threads are the first to read a type may crash.
_SPECS = msgspec.json.Decoder(LeaseSpec)


class Sighting(Struct, frozen=True):
    """A state of the Lease (its resourceVersion), and when it was first seen here (boot time)."""

    version: str
    at: float


class Decision(Struct, frozen=True):
    """What to do with the Lease: write ``spec`` (None: leave it), and what was sighted."""

    sighting: Sighting | None
    spec: LeaseSpec | None


def read_spec(text: str) -> LeaseSpec:
    """A spec from its JSON; one that can't be read is held by somebody unknown."""
    try:
        return _SPECS.decode(text)
    except (ValueError, RecursionError):
        return LeaseSpec(holder_identity=UNKNOWN)


def write_spec(spec: LeaseSpec) -> str:
    """The spec as JSON."""
    return msgspec.json.encode(spec).decode()


def decide(
    holder: str,
    spec: LeaseSpec | None,
    version: str,
    sighting: Sighting | None,
    now: datetime,
    boot: float,
) -> Decision:
    """Take, renew or leave the Lease.

    ``spec`` None: it does not exist. ``sighting`` is the one of the decision before. A holder that
    says that its lease lasts for less than ours is waited for as long as for one of us.
    """
    if spec is None:
        return Decision(None, _claim(holder, None, now))
    if sighting is None or sighting.version != version:
        sighting = Sighting(version, boot)
    if spec.holder_identity in (holder, "", None):
        return Decision(sighting, _claim(holder, spec, now))
    lasts = max(float(spec.lease_duration_seconds or 0), DURATION)
    if boot - sighting.at > lasts:
        return Decision(sighting, _claim(holder, spec, now))
    return Decision(sighting, None)


def released(spec: LeaseSpec, now: datetime) -> LeaseSpec:
    """The Lease as its holder leaves it, so that another can take it at once."""
    return msgspec.structs.replace(spec, holder_identity="", renew_time=_micro(now))


def _claim(holder: str, spec: LeaseSpec | None, now: datetime) -> LeaseSpec:
    mine = spec is not None and spec.holder_identity == holder
    transitions = (spec.lease_transitions or 0) if spec else 0
    return LeaseSpec(
        holder_identity=holder,
        lease_duration_seconds=int(DURATION),
        acquire_time=spec.acquire_time if spec and mine else _micro(now),
        renew_time=_micro(now),
        lease_transitions=transitions if mine or spec is None else transitions + 1,
    )


def _micro(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

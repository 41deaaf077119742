"""Plans are kept as long as they hold."""

from __future__ import annotations

import threading
from datetime import timedelta

import msgspec
import pytest

from chaosd.core.coming import Coming, coming
from chaosd.core.ledger import LastKill, Ledger
from chaosd.daemon.gate import Busy
from chaosd.daemon.planned import Planned
from tests.core.ledgers import HOUR, NOW, configuration, policy
from tests.daemon.bell import PATIENCE

KNOWN = configuration(policy())
RATES: dict[str, list[object]] = {}


def ask(planned: Planned, later: timedelta = timedelta(0), **changes: object) -> Coming:
    given = {"configuration": KNOWN, "seed": "s", "rates": RATES, "ledger": Ledger()} | changes
    return planned.coming(**given, now=NOW + later, days=1, limit=5)  # type: ignore[arg-type]


def test_the_same_plan_is_not_made_twice() -> None:
    """As long as nothing has changed that it is made of."""
    planned = Planned()
    first = ask(planned)
    again = ask(planned, timedelta(minutes=2))
    assert again.kills is first.kills
    assert again.now == NOW + timedelta(minutes=2)


def test_what_makes_a_new_one() -> None:
    """A reload, a survey, a kill, another seed, a kill that has come, and ten minutes."""
    for change in (
        {"configuration": msgspec.structs.replace(KNOWN, cluster="x")},
        {"rates": dict(RATES)},
        {"ledger": Ledger(last_kills={"a": LastKill(5)})},
        {"seed": "t"},
    ):
        planned = Planned()
        first = ask(planned)
        assert ask(planned, timedelta(0), **change).kills is not first.kills
    planned = Planned()
    first = ask(planned)
    later = first.kills[0].time - NOW
    assert (
        ask(planned, later).kills
        == coming(KNOWN, "s", {}, Ledger(), NOW + later, days=1, limit=5).kills
    )
    assert ask(planned, later + 5 * HOUR).kills is not first.kills


def test_only_a_few_are_kept() -> None:
    """However many different ones are asked for."""
    planned = Planned()
    for days in range(1, 25):
        planned.coming(KNOWN, "s", {}, Ledger(), NOW, days=days, limit=5)
    assert len(planned._made) <= 8


def test_nobody_waits_for_long() -> None:
    """While one is being made, others are told to come again: they would hold the threads that
    everything is served with."""
    inside, done = threading.Event(), threading.Event()
    planned = Planned(patience=0)

    class Slow(dict[str, list[object]]):
        """Rates that take as long to read as the test wants."""

        def get(self, *_: object) -> list[object]:
            inside.set()
            done.wait(PATIENCE)
            return []

    first = threading.Thread(target=lambda: ask(planned, rates=Slow()))
    first.start()
    assert inside.wait(PATIENCE)
    with pytest.raises(Busy, match="plans are being made"):
        ask(planned)
    done.set()
    first.join(PATIENCE)
    assert ask(planned).kills

"""A daemon in a shop with a proxy before its API server, and several such stories at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from chaosd.core.ledger import Intent, Result
from tests.contract.site import Site
from tests.real.control_plane import ControlPlane
from tests.real.daemon import Daemon
from tests.real.proxy import Proxy
from tests.real.shop import FILE, Shop
from tests.support.waiting import until

ROOMY = FILE.replace("concurrent: 2", "concurrent: 4")
MORE = ("api", "cart")
_PATIENCE = 120.0


class Scene:
    """A shop with the Deployments MORE in it, too, where four victims at once are allowed."""

    def __init__(
        self,
        site: Site,
        plane: ControlPlane,
        folder: Path,
        file: str = ROOMY,
        *,
        budgets: bool = True,
    ) -> None:
        self.shop = Shop(site, plane, folder, file, budgets=budgets)
        for name in MORE:
            self.shop.open(name)
        self.proxy = Proxy(plane.url, plane.ca)

    def goes_on(self, *shown: object, meanwhile: Callable[[], None] = lambda: None) -> None:
        """Wait for a kill that begins after this; ``shown`` is what to show when none comes,
        ``meanwhile`` is done again and again."""
        now = datetime.now(UTC)

        def killed() -> list[Intent]:
            meanwhile()
            found = self.shop.ledger().all_intents()
            return [i for i in found if i.result is Result.KILLED and i.reserved_at > now]

        until(killed, lambda: (self.shop.ledger(), *shown), _PATIENCE)

    def settles(self, intent: str, *shown: object) -> Result:
        """Wait until an intent's outcome is known; returns it."""

        def result() -> Result | None:
            found = self.shop.ledger().find(intent)
            return found.result if found else None

        return until(result, lambda: (intent, self.shop.ledger(), *shown), _PATIENCE)


def ends(shop: Shop, *daemons: Daemon, late: float = 0) -> None:
    """Let daemons end as they should; then nothing moves any more, and no promise is broken."""
    for daemon in daemons:
        daemon.signal(signal.SIGTERM)
    for daemon in daemons:
        assert daemon.wait() == 0
    assert shop.ledger().unsettled() == ()
    assert shop.broken(late) == []
    assert shop.denied() == []


def at_once(*stories: Callable[[], None]) -> None:
    """Tell stories that mostly wait at the same time; all that fail are raised, as one group."""
    with ThreadPoolExecutor(len(stories)) as pool:
        told = [pool.submit(story) for story in stories]
    failed = [error for one in told if (error := one.exception()) is not None]
    if failed:
        raise BaseExceptionGroup("stories", failed)

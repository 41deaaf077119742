"""What the engine's actors share: the ports, and what this process knows of itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from msgspec import Struct

from chaosd.core.admission import Circumstances
from chaosd.core.ledger import Halt, Intent
from chaosd.core.model import Configuration, TargetKind
from chaosd.core.schedule import Rate
from chaosd.core.transitions import Writer
from chaosd.engine.book import Book, Page
from chaosd.ports import (
    Clock,
    Cluster,
    Events,
    Guard,
    Loaded,
    Report,
    Settings,
    Target,
    Versioned,
)

NOT_READ = "the ledger has not been read yet"


class Leadership(Struct, frozen=True):
    """This process's term, and the boot time until which its lease is surely its own."""

    term: int
    valid_until: float


@dataclass
class Context:
    """One process's ports and state.

    ``executing`` holds the ids of intents whose step is being struck right now by this process:
    everybody else's unsettled steps are fenced. ``unsettled`` are those that this process struck,
    or was about to, and could not settle yet. ``page`` is the ledger as the observer last read it
    (for showing, never for deciding), ``unusable`` why it could not be, ``halts`` what halted by
    source then. ``rates`` are the workloads of mean-time policies as the planner last surveyed them
    (never changed in place).
    """

    holder: str
    clock: Clock
    book: Book
    lease: Versioned
    cluster: Cluster
    settings: Settings
    events: Events
    report: Report
    targets: Mapping[TargetKind, Target]
    guards: Sequence[Guard] = ()
    loaded: Loaded = field(default_factory=lambda: Loaded(None))
    leadership: Leadership | None = None
    stopping: bool = False
    executing: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    page: Page | None = None
    unusable: str = NOT_READ
    halts: Mapping[str, Halt] = field(default_factory=dict)
    next_slots: Mapping[str, datetime] = field(default_factory=dict)
    kill_intervals: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, Sequence[Rate]] = field(default_factory=dict)
    _seed: str = ""

    @property
    def leading(self) -> bool:
        """Whether this process may write and strike at this very moment."""
        held = self.leadership
        return held is not None and self.clock.boot() < held.valid_until

    @property
    def writer(self) -> Writer:
        """This process as the ledger knows it; its term is 0 while it does not lead."""
        return Writer(self.holder, self.leadership.term if self.leadership else 0)

    def seed(self, configuration: Configuration) -> str:
        """The configured seed, or the cluster's own; raises CallFailed when it can't be read."""
        if configuration.seed is not None:
            return configuration.seed
        self._seed = self._seed or self.cluster.seed()
        return self._seed

    def known_seed(self, configuration: Configuration) -> str | None:
        """The seed, if nobody needs to be asked for it."""
        return configuration.seed if configuration.seed is not None else self._seed or None

    def around(self, page: Page | None, fingerprint: str) -> Circumstances:
        """The circumstances of a decision that began under the configuration ``fingerprint``."""
        return Circumstances(
            now=self.clock.now(),
            leading=self.leading,
            stopping=self.stopping,
            skew=self.cluster.skew(),
            problems=self.loaded.problems,
            changed=self.loaded.fingerprint != fingerprint,
            annotation_halt=page.annotation_halt if page else None,
        )

    def open_intents(self) -> Mapping[str, Intent]:
        """Open intents as this process last wrote or read them, by id: for measuring, never for
        deciding."""
        last = self.book.last
        return last.ledger.intents if last else {}

    def after(self, seconds: float) -> datetime:
        """The instant some seconds from now."""
        return self.clock.now() + timedelta(seconds=seconds)

"""What the process knows, as the page and the API ask for it.

All of it is in memory already, but for ``explain``, which asks the API server. The ledger is the
one that the process last read or wrote.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import msgspec
from msgspec import Struct

from chaosd.core.agenda import Agenda, agenda
from chaosd.core.coming import Coming
from chaosd.core.explained import Explanation
from chaosd.core.kills import Kills, kills
from chaosd.core.ledger import Ledger
from chaosd.core.model import Configuration, Policy
from chaosd.core.status import Status, status
from chaosd.core.status_parts import PolicyNow
from chaosd.core.tally import Days, days_of
from chaosd.daemon.asked import ask
from chaosd.daemon.gate import Busy, Gate, Turned
from chaosd.daemon.naming import NamesNothing, NotThere
from chaosd.daemon.planned import Planned
from chaosd.daemon.problems import Mistake, Refused
from chaosd.daemon.queries import (
    DaysQuery,
    ExplainQuery,
    KillsQuery,
    PlanQuery,
    WindowsQuery,
    expected,
    wrong,
)
from chaosd.daemon.wiring import Connection
from chaosd.engine.book import Page
from chaosd.engine.context import Context
from chaosd.engine.explain import Explainer
from chaosd.ports import CallFailed
from chaosd.report.reporter import Reporter

LONGEST = timedelta(days=400)
_USUAL = timedelta(days=31)
_YEARS = (1970, 2199)
_SHOWN = 200
_TARGET = next(one.type for one in msgspec.structs.fields(ExplainQuery))


class Policies(Struct, frozen=True, rename="camel"):
    """Each policy as it is now, with its newest survey and attempt as far as this process knows."""

    now: datetime
    policies: tuple[PolicyNow, ...]


class View:
    """Answers of one process. Every method may raise :class:`chaosd.daemon.problems.Refused`."""

    def __init__(
        self, context: Context, connection: Connection, reporter: Reporter, gate: Gate
    ) -> None:
        self._context = context
        self._connection = connection
        self._reporter = reporter
        self._gate = gate
        self._planned = Planned()

    @property
    def namespace(self) -> str:
        """chaosd's own namespace, where the ledger is."""
        return self._connection.namespace

    @property
    def now(self) -> datetime:
        """The daemon's time."""
        return self._context.clock.now()

    @property
    def cluster(self) -> str:
        """What people call the cluster, "" if nothing."""
        found = self._context.loaded.configuration
        return found.cluster if found else ""

    def status(self) -> Status:
        """How things stand."""
        context = self._context
        seen = self._newest()
        known = self._reporter.known(context.holder)
        halts = {source: halt.at for source, halt in dict(context.halts).items()}
        return status(
            seen.ledger if seen else None,
            context.loaded.configuration,
            context.around(seen, context.loaded.fingerprint),
            ledger_problem=context.unusable,
            known=msgspec.structs.replace(known, halts_seen=halts),
        )

    def kills(self, query: KillsQuery) -> Kills:
        """What was done, newest first."""
        return kills(
            self.ledger(),
            self._context.clock.now(),
            limit=query.limit,
            policy=query.policy,
            result=query.result,
            verdict=query.verdict,
        )

    def days(self, query: DaysQuery) -> Days:
        """How many kills there were on each day."""
        zone = self.configuration().windows.zone
        return days_of(self.ledger(), self._context.clock.now(), zone, query.policy)

    def plan(self, query: PlanQuery) -> Coming:
        """What would be done."""
        context = self._context
        configuration = self.configuration()
        try:
            return self._planned.coming(
                configuration,
                context.known_seed(configuration),
                context.rates,
                self.ledger(),
                context.clock.now(),
                days=query.days,
                limit=query.limit,
            )
        except Turned as turned:
            raise _turned(turned) from None

    def windows(self, query: WindowsQuery) -> Agenda:
        """When something may be done."""
        configuration = self.configuration()
        now = self._context.clock.now()
        policies = configuration.policies
        mistakes: list[Mistake] = []
        if query.policy is not None:
            policies = tuple(one for one in policies if one.name == query.policy)
        if not policies and query.policy is not None:
            mistakes.append(unknown(query.policy, configuration))
        start, end = _range(query, now, mistakes)
        if mistakes:
            raise wrong(mistakes)
        return agenda(configuration, now, start, end, policies)

    def policies(self) -> Policies:
        """Each policy as it is now."""
        self.configuration()
        found = self.status()
        return Policies(found.now, found.policies)

    def explain(self, query: ExplainQuery) -> Explanation:
        """Why, and why not: the API server is asked, one question at a time."""
        configuration = self.configuration()
        try:
            with self._gate.passed():
                return self._explained(configuration, query.target)
        except Turned as turned:
            raise _turned(turned) from None
        except NotThere as error:
            raise Refused(HTTPStatus.NOT_FOUND, str(error)) from None
        except NamesNothing as error:
            mistake = Mistake("target", query.target[:200], expected(_TARGET))
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error), (mistake,)) from None
        except CallFailed as error:
            said = f"the API server could not be asked: {error}"
            raise Refused(HTTPStatus.BAD_GATEWAY, said) from None

    # ---- what the answers are made of

    def configuration(self) -> Configuration:
        """The newest valid configuration."""
        found = self._context.loaded.configuration
        if found is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "no valid configuration was loaded")
        return found

    def ledger(self) -> Ledger:
        """The ledger as it was last read."""
        seen = self._newest()
        if seen is None:
            raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, self._context.unusable)
        return seen.ledger

    def _newest(self) -> Page | None:
        """The ledger as the observer last read it, or what this process has written since: what it
        struck a moment ago counts at once."""
        seen, last = self._context.page, self._context.book.last
        if seen is None or last is None or last.ledger.revision <= seen.ledger.revision:
            return seen
        return last

    def _explained(self, configuration: Configuration, target: str) -> Explanation:
        context = self._context
        seen = self._newest()
        explainer = Explainer(
            configuration,
            context.targets,
            context.guards,
            seen.ledger if seen else Ledger(),
            self.status(),
            context.clock,
        )
        return ask(target, explainer, self._connection, configuration, context.clock).explanation


def unknown(policy: str, configuration: Configuration) -> Mistake:
    """The mistake of naming a policy that there is not."""
    names = [one.name for one in configuration.policies]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    said = f"one of the policies {', '.join(names[:10])}{more}" if names else "none: no policies"
    return Mistake("policy", policy, said)


def policy_of(configuration: Configuration, name: str) -> Policy:
    """The policy of that name; raises Refused."""
    found = configuration.policy(name)
    if found is None:
        mistake = unknown(name, configuration)
        said = f"no policy {name[:_SHOWN]}: expected {mistake.expected}"
        raise Refused(HTTPStatus.NOT_FOUND, said)
    return found


def _turned(turned: Turned) -> Refused:
    busy = isinstance(turned, Busy)
    code = HTTPStatus.SERVICE_UNAVAILABLE if busy else HTTPStatus.TOO_MANY_REQUESTS
    return Refused(code, f"{turned}: try again", (), turned.retry_after)


def _range(
    query: WindowsQuery, now: datetime, mistakes: list[Mistake]
) -> tuple[datetime, datetime]:
    """What was asked for, in UTC."""
    for name, at in (("from", query.start), ("until", query.end)):
        if at is not None and not _YEARS[0] < at.year < _YEARS[1]:
            years = f"a year from {_YEARS[0] + 1} to {_YEARS[1] - 1}"
            mistakes.append(Mistake(name, at.isoformat(), years))
    if mistakes:
        return now, now
    start = query.start or (min(now, query.end - _USUAL) if query.end else now)
    end = query.end or start + _USUAL
    if not start < end <= start + LONGEST:
        said = f"a time after `from`, {LONGEST.days} days later at most"
        mistakes.append(Mistake("until", end.isoformat(), said))
    return start.astimezone(UTC), end.astimezone(UTC)

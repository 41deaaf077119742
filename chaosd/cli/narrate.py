"""What a daemon reports, as lines that a person can follow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from chaosd.core.ledger import Intent, Result, Verdict
from chaosd.core.model import Code, Reasons
from chaosd.core.words import of_what, verb
from chaosd.ports import Standing
from chaosd.report.reporter import Reporter

Tell = Callable[[str, str], None]

BUDGET = "a refusal by a PodDisruptionBudget"
BLACKOUT = "a blackout window from its begin to its end"
DRY_RUN = "a dry run"
EVERYTHING = (BUDGET, BLACKOUT, DRY_RUN)
"""What there is to be shown besides kills that recover."""


class Narrator:
    """A :class:`chaosd.ports.Report` that passes everything on, and tells the story on the way.

    ``tell`` is given a line and its style (a colour of rich's).
    """

    def __init__(self, reporter: Reporter, now: Callable[[], datetime], tell: Tell) -> None:
        self._reporter = reporter
        self._now = now
        self._tell = tell
        self._open: dict[str, bool] = {}
        self._said: set[str] = set()
        self._lock = threading.Lock()
        self._recovered = 0
        self._shown: set[str] = set()
        self.killed: list[Intent] = []
        self.judged_: list[Intent] = []
        self.dry_runs: list[Intent] = []
        self.refused_by_budget = 0
        self.kept_by_window = 0

    def missing(self, recoveries: int, parts: Sequence[str] = EVERYTHING) -> list[str]:
        """What has not happened yet: so many kills that recovered, and these ``parts`` of
        EVERYTHING."""
        with self._lock:
            missing = [part for part in parts if part not in self._shown]
            if self._recovered < recoveries:
                missing.append(f"{recoveries} kills that recovered (only {self._recovered} did)")
            return missing

    def _show(self, part: str) -> None:
        with self._lock:
            self._shown.add(part)

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        """A skipped attempt says why."""
        self._reporter.attempted(policy, target, action_id, result, reasons)
        if result != "skipped":
            return
        codes = {reason.code for reason in reasons}
        if Code.DISRUPTION_BUDGET in codes:
            self.refused_by_budget += 1
            why = next(r for r in reasons if r.code is Code.DISRUPTION_BUDGET)
            self._tell(
                f"{policy}: eviction refused by a PodDisruptionBudget: {why.detail}", "yellow"
            )
            self._show(BUDGET)
            return
        if codes & {Code.WINDOW_CLOSED, Code.WINDOW_TOO_SHORT}:
            self.kept_by_window += 1
        self._tell(f"{policy}: nothing struck: {'; '.join(str(r) for r in reasons[:2])}", "yellow")

    def sifted(self, policy: str, counts: Mapping[str, int]) -> None:
        """Passed on."""
        self._reporter.sifted(policy, counts)

    def stepped(self, intent: Intent, what: str, **fields: object) -> None:
        """A reservation is the first that is seen of a kill."""
        self._reporter.stepped(intent, what, **fields)
        if what == "reserved" and not intent.dry_run:
            self._tell(f"{intent.policy}: reserved {of_what(intent)}", "dim")

    def settled(self, intent: Intent) -> None:
        """The result."""
        self._reporter.settled(intent)
        if intent.result is Result.KILLED:
            self.killed.append(intent)
            did = verb(intent.action).did.upper()
            self._tell(f"{intent.policy}: {did} {of_what(intent)}", "bold red")
        elif intent.result is Result.DRY_RUN:
            self.dry_runs.append(intent)
            did = verb(intent.action).did
            self._tell(f"{intent.policy}: dry run, would have {did} {of_what(intent)}", "cyan")
            self._show(DRY_RUN)
        else:
            self._tell(
                f"{intent.policy}: {intent.result} {intent.victim}: {intent.detail}", "yellow"
            )

    def judged(self, intent: Intent) -> None:
        """The verdict."""
        self._reporter.judged(intent)
        self.judged_.append(intent)
        if intent.verdict is Verdict.RECOVERED:
            self._tell(f"{intent.workload} RECOVERED after {seconds(intent)} s", "bold green")
            with self._lock:
                self._recovered += 1
        else:
            self._tell(f"{intent.workload}: {intent.verdict}: {intent.seen}", "bold magenta")

    def standing(self, standing: Standing) -> None:
        """Windows that open and close."""
        self._reporter.standing(standing)
        for policy, is_open in standing.window_open.items():
            was = self._open.get(policy)
            self._open[policy] = is_open
            line = f"the blackout window {'is over: open again' if is_open else 'begins: closed'}"
            if was is not None and was != is_open and self._once(f"{line}{self._now():%H:%M}"):
                self._tell(line, "bold blue")
                if is_open:
                    self._show(BLACKOUT)

    def planned(self, next_slots: Mapping[str, datetime]) -> None:
        """Passed on."""
        self._reporter.planned(next_slots)

    def noted(self, what: str, **fields: object) -> None:
        """Leadership, reloads, the words before the start."""
        self._reporter.noted(what, **fields)
        said = ", ".join(f"{key} {value}" for key, value in fields.items())
        self._tell(f"{what} ({said})" if said else what, "dim")

    def failed(self, what: str, error: BaseException) -> None:
        """What should not happen in a sandbox."""
        self._reporter.failed(what, error)
        self._tell(f"{what}: {error}", "red")

    def _once(self, line: str) -> bool:
        new = line not in self._said
        self._said.add(line)
        return new


def seconds(intent: Intent) -> int:
    """Whole seconds from the reservation to the verdict."""
    at = intent.verdict_at or intent.reserved_at
    return round((at - intent.reserved_at).total_seconds())

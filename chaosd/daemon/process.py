"""The running daemon: every actor on its thread, started and stopped in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from chaosd.core.model import Code, Reason
from chaosd.core.schedule import Slot
from chaosd.daemon.clocks import PacedClock
from chaosd.daemon.http import Answers, HttpServer, application
from chaosd.daemon.loops import Loop, Pulse
from chaosd.daemon.timetable import Timetable
from chaosd.engine.attempt import SKIPPED, Attempts
from chaosd.engine.context import NOT_READ, Context
from chaosd.engine.lead import Lead
from chaosd.engine.observe import Observer
from chaosd.engine.plan import Planner
from chaosd.engine.reload import Reload
from chaosd.engine.wishes import Wishes
from chaosd.ports import Notice, Versioned

GRACE = 25.0
"""Real seconds; pods have 30 to stop, unless they say otherwise (terminationGracePeriodSeconds)."""
_FOR_WORK = 0.8
_AT_LEAST = 0.2
_LOOKING = 900.0
"""Real seconds for which a watcher may be silent: streaming a snapshot takes up to 600."""


class Process:
    """One daemon. ``ledger`` is the ledger's port (Lead makes it at a first start); ``about`` names
    the object on which Events about the daemon itself are made; ``pulse`` hears of the requests;
    ``grace`` is how many real seconds stopping may take. ``watchers`` are the steps of actors that
    only look, each on a thread of its own: nothing is lost with what they are at, so that stopping
    waits for none of them."""

    def __init__(
        self,
        context: Context,
        ledger: Versioned,
        about: Notice,
        clock: PacedClock,
        pulse: Pulse,
        grace: float = GRACE,
        watchers: Mapping[str, Callable[[], datetime]] = MappingProxyType({}),
    ) -> None:
        self._context = context
        self._grace = grace
        self._attempts = Attempts(context)
        self._lead = Lead(context, ledger)
        self._planner = Planner(context)
        self._wishes = Wishes(context, self._attempts)
        self._observer = Observer(context)
        self._timetable = Timetable(
            self._run_slot, self._wishes.run, self._missed, clock, context.report
        )
        steps = {
            "reload": Reload(context, about).step,
            "lead": self._lead.step,
            "observe": self._observer.step,
            "plan": self._plan,
            "requests": self._take_requests,
        }
        self._loops = [
            Loop(name, step, clock, context.report, pulse) for name, step in steps.items()
        ]
        self._watchers = [
            Loop(name, step, clock, context.report, pulse, _LOOKING)
            for name, step in watchers.items()
        ]
        self._http: HttpServer | None = None
        self._started = False
        self._awaited = ""
        self.stopped = threading.Event()

    def start(self) -> None:
        """Start every thread; the configuration must have been loaded."""
        self._started = True
        self._timetable.start()
        for loop in (*self._loops, *self._watchers):
            loop.start()

    def serve(self, answers: Answers, host: str, port: int) -> str:
        """Serve HTTP; returns the address. Raises OSError when it can't be had."""
        self._http = HttpServer(application(answers), host, port)
        self._http.start()
        return self._http.address

    def awaits(self, what: str) -> None:
        """Say, as long as it has not started, what it is waiting for ("": nothing)."""
        self._awaited = what
        self._context.unusable = what or NOT_READ

    def stop_serving(self, seconds: float = 5.0) -> None:
        """End HTTP."""
        if self._http:
            self._http.stop(seconds)

    def stop(self) -> bool:
        """Stop: no new attempt, the one under way is settled, the lease given back.

        Returns whether everything ended within the grace period. What hangs in a request then is
        said and left: it was written down before it began, so that whoever leads next settles it.
        """
        began = time.monotonic()

        def left(share: float) -> float:
            return max(began + share * self._grace - time.monotonic(), _AT_LEAST)

        self._context.stopping = True
        self._context.report.noted("stopping")
        # The lease is renewed until the attempt under way has ended.
        ended = {
            "attempt": _within(left(_FOR_WORK), lambda: self._timetable.stop(wait=True)),
        }
        for loop in (*self._loops, *self._watchers):
            loop.stop()
        ended |= {f"loop {loop.name}": loop.join(left(_FOR_WORK)) for loop in self._loops}
        looked = time.monotonic() + _AT_LEAST
        for watcher in self._watchers:
            watcher.join(max(0.0, looked - time.monotonic()))
        ended["release of the lease"] = _within(left(1), self._lead.release)
        self.stop_serving(left(1))
        self.stopped.set()
        hanging = [name for name, done in ended.items() if not done]
        if hanging:
            self._context.report.noted(
                "stopped waiting for what hangs: whoever leads next settles what is open",
                hanging=hanging,
                leftOpen=sorted(self._context.executing | self._context.unsettled),
            )
        else:
            self._context.report.noted("stopped")
        return not hanging

    def unhealthy(self) -> tuple[str, ...]:
        """What of this very process does not work; before it has started and while it stops,
        nothing of it is expected to."""
        if self._context.stopping or not self._started:
            return ()
        loops = (*self._loops, *self._watchers)
        found = [f"loop {loop.name} is stuck" for loop in loops if not loop.healthy()]
        return tuple(found) if self._timetable.running else (*found, "the timetable does not run")

    def wait_for_watchers(self, seconds: float) -> None:
        """After stopping: wait for the actors that only look, up to so many real seconds each."""
        for watcher in self._watchers if self._started else ():
            watcher.join(seconds)

    def unready(self) -> tuple[str, ...]:
        """Why this process could not do its work yet."""
        context = self._context
        found = [self._awaited] if self._awaited else []
        if context.loaded.configuration is None:
            found.append("no valid configuration was loaded")
        if context.book.uid is None:
            found.append("the lease has not been read yet, or names no ledger")
        elif context.page is None:
            found.append(context.unusable)
        return tuple(found)

    def _plan(self) -> datetime:
        planned = self._planner.step()
        self._timetable.plan(planned.slots, drop=planned.drop)
        return planned.wake

    def _run_slot(self, slot: Slot) -> None:
        again = [ended.again_at for ended in self._attempts.run_slot(slot) if ended.again_at]
        if again:
            self._timetable.run_at(slot, max(again))

    def _take_requests(self) -> datetime:
        taken, wake = self._wishes.step()
        for request in taken:
            self._timetable.run_now(request)
        return wake

    def _missed(self, slot: Slot) -> None:
        late = Reason(Code.TOO_LATE, "it could not start within 30 s of its slot")
        self._context.report.attempted(slot.policy, "", slot.action_id(0), SKIPPED, (late,))


def _within(seconds: float, do: Callable[[], object]) -> bool:
    """Do something that may hang; whether it ended in time."""
    thread = threading.Thread(target=do, name="chaosd-stop", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()

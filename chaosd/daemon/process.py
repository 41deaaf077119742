"""The running daemon: every actor on its thread, started and stopped in order."""

from __future__ import annotations

import threading
from datetime import datetime

from chaosd.core.model import Code, Reason
from chaosd.core.schedule import Slot
from chaosd.daemon.clocks import PacedClock
from chaosd.daemon.http import Answers, HttpServer, application
from chaosd.daemon.loops import Loop
from chaosd.daemon.timetable import Timetable
from chaosd.engine.attempt import SKIPPED, Attempts
from chaosd.engine.context import Context
from chaosd.engine.lead import Lead
from chaosd.engine.observe import Observer
from chaosd.engine.plan import Planner
from chaosd.engine.reload import Reload
from chaosd.engine.wishes import Wishes
from chaosd.ports import Notice, Versioned

_JOIN = 20.0


class Process:
    """One daemon. ``ledger`` is the ledger's port (Lead makes it at a first start); ``about`` names
    the object on which Events about the daemon itself are made."""

    def __init__(
        self, context: Context, ledger: Versioned, about: Notice, clock: PacedClock
    ) -> None:
        self._context = context
        self._attempts = Attempts(context)
        self._lead = Lead(context, ledger)
        self._planner = Planner(context)
        self._wishes = Wishes(context, self._attempts)
        self._observer = Observer(context)
        self._timetable = Timetable(
            self._attempts.run_slot, self._wishes.run, self._missed, clock, context.report
        )
        steps = {
            "reload": Reload(context, about).step,
            "lead": self._lead.step,
            "observe": self._observer.step,
            "plan": self._plan,
            "requests": self._take_requests,
        }
        self._loops = [Loop(name, step, clock, context.report) for name, step in steps.items()]
        self._http: HttpServer | None = None
        self.stopped = threading.Event()

    def start(self) -> None:
        """Start every thread; the configuration must have been loaded."""
        self._timetable.start()
        for loop in self._loops:
            loop.start()

    def serve(self, answers: Answers, host: str, port: int) -> str:
        """Serve HTTP; returns the address. Raises OSError when it can't be had."""
        self._http = HttpServer(application(answers), host, port)
        self._http.start()
        return self._http.address

    def stop(self) -> bool:
        """Stop: no new attempt, the one under way is settled, the lease given back.

        Returns whether all threads ended in time. What is open stays in the ledger.
        """
        self._context.stopping = True
        self._context.report.noted("stopping")
        finishing = threading.Thread(target=self._timetable.stop, kwargs={"wait": True})
        finishing.start()
        finishing.join(_JOIN)
        for loop in self._loops:
            loop.stop()
        ended = [loop.join(_JOIN) for loop in self._loops]
        self._lead.release()
        if self._http:
            self._http.stop()
        self.stopped.set()
        self._context.report.noted("stopped")
        return all(ended) and not finishing.is_alive()

    def unhealthy(self) -> tuple[str, ...]:
        """What of this very process does not work."""
        return tuple(f"loop {loop.name} is stuck" for loop in self._loops if not loop.healthy())

    def unready(self) -> tuple[str, ...]:
        """Why this process could not do its work yet."""
        context = self._context
        found = []
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

    def _take_requests(self) -> datetime:
        taken, wake = self._wishes.step()
        for request in taken:
            self._timetable.run_now(request)
        return wake

    def _missed(self, slot: Slot) -> None:
        late = Reason(Code.TOO_LATE, "it could not start within 30 s of its slot")
        self._context.report.attempted(slot.policy, "", slot.action_id(0), SKIPPED, (late,))

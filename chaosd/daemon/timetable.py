"""APScheduler runs every slot at its time, one attempt at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MISSED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from chaosd.core.admission import MAX_LATE
from chaosd.core.ledger import Request
from chaosd.core.schedule import Slot
from chaosd.daemon.clocks import PacedClock
from chaosd.ports import Report

_SLOT = "slot:"


class Timetable:
    """One ``date`` job per slot, with the slot as its argument.

    Jobs are not told their scheduled time, and a trigger with close slots skips some; so the
    planner's slots are jobs of their own. A job that could not start within 30 s is missed.
    """

    def __init__(
        self,
        run_slot: Callable[[Slot], object],
        run_request: Callable[[Request], object],
        missed: Callable[[Slot], None],
        clock: PacedClock,
        report: Report,
    ) -> None:
        self._run_slot, self._run_request, self._missed = run_slot, run_request, missed
        self._clock, self._report = clock, report
        self._planned: dict[str, Slot] = {}
        self._ended = False
        self._lock = threading.Lock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={
                "misfire_grace_time": max(1, int(clock.real(MAX_LATE.total_seconds()))),
                "coalesce": False,
                # There is one worker anyway, and a slot that is tried again must not be lost
                # because its first try has not quite ended.
                "max_instances": 2,
            },
        )
        self._scheduler.add_listener(self._on_event, EVENT_JOB_MISSED | EVENT_JOB_ERROR)

    @property
    def running(self) -> bool:
        """Whether it would run what is planned."""
        return bool(self._scheduler.running)

    def start(self) -> None:
        """Begin running what is planned."""
        self._scheduler.start()

    def plan(self, slots: tuple[Slot, ...], *, drop: bool) -> None:
        """Add slots; ``drop`` forgets first what was planned and has not begun."""
        if drop:
            self._drop()
        for slot in slots:
            self.run_at(slot, slot.at)

    def run_at(self, slot: Slot, at: datetime) -> None:
        """Run a slot at ``at``: its own time, or a little later when it is tried again."""
        job_id = f"{_SLOT}{slot.action_id(0)}"
        with self._lock:
            if self._ended:
                return
            self._planned[job_id] = slot
        self._scheduler.add_job(
            self._run_planned,
            DateTrigger(run_date=self._real_time(at), timezone=UTC),
            args=(job_id, slot),
            id=job_id,
            replace_existing=True,
        )

    def run_now(self, request: Request) -> None:
        """Run a person's request as soon as no other attempt is under way.

        However late that is: its attempt says so itself, and so the person gets an answer.
        """
        self._scheduler.add_job(
            self._run_request,
            args=(request,),
            id=f"request:{request.id}",
            misfire_grace_time=None,
        )

    def stop(self, *, wait: bool) -> None:
        """Start no slot any more; ``wait`` for the attempt under way."""
        with self._lock:
            # APScheduler runs what is queued also after a shutdown: it finds itself unplanned.
            self._planned, self._ended = {}, True
        if self._scheduler.running:
            # What is due at this very moment would make its thread fail.
            self._scheduler.remove_all_jobs()
            self._scheduler.shutdown(wait=wait)

    def _run_planned(self, job_id: str, slot: Slot) -> None:
        with self._lock:
            if self._planned.pop(job_id, None) is None:
                return
        self._run_slot(slot)

    def _drop(self) -> None:
        with self._lock:
            dropped, self._planned = list(self._planned), {}
        for job_id in dropped:
            try:
                self._scheduler.remove_job(job_id)
            except JobLookupError:
                # It is queued or running already; a queued one finds itself unplanned.
                continue

    def _real_time(self, at: datetime) -> datetime:
        """When a slot comes on the machine's own clock, which APScheduler goes by."""
        ahead = (at - self._clock.now()).total_seconds()
        return datetime.now(UTC) + timedelta(seconds=self._clock.real(ahead))

    def _on_event(self, event: JobExecutionEvent) -> None:
        with self._lock:
            slot = self._planned.pop(event.job_id, None)
        if event.exception is not None:
            self._report.failed(f"job {event.job_id}", event.exception)
        elif slot is not None:
            self._missed(slot)

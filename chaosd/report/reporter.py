"""The Report port: every step becomes a log line, what counts is counted, the newest is kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from structlog.types import FilteringBoundLogger

from chaosd.core.backup import SnapshotTried, backup_reasons, snapshot_reasons
from chaosd.core.etcd_answer import etcd_answer
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.ledger import Halt, Intent, Verdict
from chaosd.core.model import Reasons
from chaosd.core.quorum import Picture
from chaosd.core.schedule import intent_id
from chaosd.core.status import Known, LastAttempt
from chaosd.ports import Standing
from chaosd.report.counts import anonymous
from chaosd.report.etcd_lines import EtcdLines, costs
from chaosd.report.metrics import Metrics
from chaosd.report.repeats import Repeats, alike

_LOADED = "loaded the configuration"
_STEPS = frozenset({"no answer", "under way", "fenced", "settled", "not settled"})


class Reporter:
    """Implements :class:`chaosd.ports.Report`, and what the actors of etcd report to, with metrics
    and a structlog logger.

    Keeps the newest attempt and survey of each policy in memory, for the status page.
    """

    def __init__(
        self, metrics: Metrics, logger: FilteringBoundLogger, now: Callable[[], datetime]
    ) -> None:
        self._metrics = metrics
        self._logger = logger
        self._now = now
        self._repeats = Repeats(now)
        self._etcd = EtcdLines(logger)
        self._pictures: dict[str, Picture] = {}
        self._backups: dict[str, timedelta | str] = {}
        self._clusters: dict[str, EtcdCluster] = {}
        self._snapshots: Mapping[str, SnapshotTried] = {}
        self._attempts: dict[str, LastAttempt] = {}
        self._funnels: dict[str, dict[str, int]] = {}
        self._surveyed: dict[str, datetime] = {}
        self._next_slots: Mapping[str, datetime] = {}
        self._standing: Standing | None = None

    # ---- what is remembered

    def last_attempts(self) -> Mapping[str, LastAttempt]:
        """The newest attempt of each policy in this process."""
        return dict(self._attempts)

    def funnels(self) -> Mapping[str, Mapping[str, int]]:
        """The newest survey of each policy in this process: candidates by reason code."""
        return dict(self._funnels)

    def known(self, holder: str) -> Known:
        """What this process, as ``holder``, adds to a status."""
        return Known(
            holder=holder,
            next_slots=self._next_slots,
            attempts=self.last_attempts(),
            funnels=self.funnels(),
            surveyed=self._surveyed.copy(),
            etcd=tuple(
                etcd_answer(picture, self._etcd_reasons(name))
                for name, picture in sorted(self._pictures.copy().items())
            ),
        )

    def _etcd_reasons(self, name: str) -> Reasons:
        """What a picture does not show. Only who leads has snapshots checked."""
        cluster = self._clusters.get(name)
        if cluster is None:
            return ()
        age = self._backups.get(name, "nobody has been asked yet")
        against = backup_reasons(cluster, age)
        if self._standing is None or not self._standing.leading:
            return against
        return against + snapshot_reasons(cluster, self._snapshots.get(name), self._now())

    # ---- the port

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        """An attempt ended: counted, kept and logged with every reason."""
        self._metrics.counts.attempted(policy, target, action_id, result, reasons)
        self._attempts[policy] = LastAttempt(self._now(), action_id, result, reasons)
        fields: dict[str, Any] = {"actionId": action_id, "policy": policy, "result": result}
        if result == "skipped":
            fields["reasons"] = [{"code": str(r.code), "detail": r.detail} for r in reasons]
        else:
            fields["intent"] = intent_id(action_id)
        self._logger.info("attempt ended", **fields)

    def sifted(self, policy: str, counts: Mapping[str, int]) -> None:
        """A survey ended: shown, kept and logged."""
        self._metrics.gauges.sifted(policy, counts)
        self._funnels[policy] = dict(counts)
        self._surveyed[policy] = self._now()
        self._logger.info("surveyed", policy=policy, candidates=dict(sorted(counts.items())))

    def stepped(self, intent: Intent, what: str, **fields: object) -> None:
        """One line of an intent's life; a step that repeats itself does not flood."""
        step = _of_step(intent) if what in _STEPS else {}
        left_out = self._repeats.due((intent.id, what, str(fields), step.get("step")))
        if left_out is None:
            return
        warn = fields.get("verdict") == Verdict.NOT_RECOVERED
        log = self._logger.warning if warn else self._logger.info
        log(what, **_of(intent), **step, **_said(fields), **_repeated(left_out))

    def settled(self, intent: Intent) -> None:
        """A result is counted, once over all processes."""
        self._metrics.counts.settled(intent)
        fields = _said({"result": str(intent.result), "detail": intent.detail})
        self._logger.info("result reported", **_of(intent), **fields)

    def judged(self, intent: Intent) -> None:
        """A verdict is counted, once over all processes."""
        self._metrics.counts.judged(intent)
        self._metrics.etcd.judged(intent)
        verdict = str(intent.verdict)
        self._logger.info("verdict reported", **_of(intent), verdict=verdict, **costs(intent))

    def standing(self, standing: Standing) -> None:
        """How things stand: shown as gauges; what changed is logged."""
        before, self._standing = self._standing, standing
        if before is None or before.dry_run.keys() != standing.dry_run.keys():
            for policy in standing.dry_run:
                self._metrics.counts.policy(policy)
        if not standing.leading:
            self._next_slots = {}
        if standing.configuration_valid and not standing.unusable:
            self._forget_but(standing.dry_run)
        if not standing.unusable:
            self._metrics.cluster = standing.cluster
        self._metrics.gauges.standing(standing, self._now())
        self._log_changes(before, standing)

    def planned(self, next_slots: Mapping[str, datetime]) -> None:
        """The next slot of each policy: shown and kept."""
        self._next_slots = dict(next_slots)
        self._metrics.gauges.planned(next_slots)

    def noted(self, what: str, **fields: object) -> None:
        """Something worth a log line; a warning when it comes with problems."""
        if what == _LOADED:
            self._metrics.gauges.loaded(self._now())
        log = self._logger.warning if fields.get("problems") else self._logger.info
        log(what, **fields)

    def failed(self, what: str, error: BaseException) -> None:
        """Something inside went wrong: counted always, logged the first time and then once a
        minute. An error that chaosd does not know comes with its traceback."""
        self._metrics.counts.failed(what)
        kind = type(error)
        text = str(error) or kind.__name__
        key: Hashable = (anonymous(what), kind, alike(text))
        left_out = self._repeats.due(key)
        if left_out is None:
            return
        fields: dict[str, Any] = {"doing": what, "error": text, "kind": kind.__name__}
        fields |= _repeated(left_out)
        if kind.__module__.partition(".")[0] == "chaosd":
            self._logger.warning("failed", **fields)
        else:
            self._logger.error("failed", exc_info=error, **fields)

    # ---- the port of etcd's actors

    def etcd_declared(self, clusters: Sequence[EtcdCluster]) -> None:
        """These are all that are declared: nothing is shown of others any more."""
        self._metrics.etcd.declared(clusters)
        self._etcd.declared(clusters)
        names = {cluster.name for cluster in clusters}
        self._clusters = {cluster.name: cluster for cluster in clusters}
        self._backups = {name: one for name, one in self._backups.items() if name in names}
        self._pictures = {name: one for name, one in self._pictures.items() if name in names}

    def etcd_pictured(self, picture: Picture, *, leading: bool) -> None:
        """A cluster was looked at: shown, and logged when it has changed."""
        self._metrics.etcd.pictured(picture, leading=leading)
        self._etcd.pictured(picture)
        self._pictures[picture.name] = picture

    def etcd_backup(self, cluster: EtcdCluster, age: timedelta | str) -> None:
        """The age of a backup: shown, and logged when it becomes good or too old."""
        self._metrics.etcd.backup(cluster, age)
        self._etcd.backup(cluster, age)
        self._backups[cluster.name] = age

    def etcd_snapshots(self, tried: Mapping[str, SnapshotTried]) -> None:
        """The newest checks of snapshots: shown, and each logged once."""
        self._metrics.etcd.snapshots(tried)
        self._snapshots = dict(tried)
        self._etcd.snapshots(tried)

    # ---- how

    def _forget_but(self, policies: Mapping[str, bool]) -> None:
        kept: dict[str, Any]
        for kept in (self._attempts, self._funnels, self._surveyed):
            for gone in kept.keys() - policies.keys():
                kept.pop(gone, None)

    def _log_changes(self, before: Standing | None, now: Standing) -> None:
        """One line for each halt, pause, window and ledger trouble that began or ended."""
        if now.unusable != (before.unusable if before else ""):
            if now.unusable:
                self._logger.error("the ledger can't be used: no kills", why=now.unusable)
            else:
                self._logger.info("the ledger can be used again")
        if now.unusable:
            # Nothing is known of the rest: the next that is known is compared with the last one.
            self._standing = msgspec.structs.replace(before or now, unusable=now.unusable)
            return
        self._log_halts(before.halted if before else {}, now.halted)
        was = before or now
        for policy, open_ in now.window_open.items():
            if was.window_open.get(policy, open_) != open_:
                self._logger.info("window opened" if open_ else "window closed", policy=policy)
        for policy, paused in now.paused.items():
            if (before.paused.get(policy, False) if before else False) != paused:
                self._logger.warning("paused" if paused else "resumed", policy=policy)

    def _log_halts(self, before: Mapping[str, Halt], now: Mapping[str, Halt]) -> None:
        for source, halt in now.items():
            if source not in before:
                # Only a command says when it was given.
                when = {"since" if source == "command" else "firstSeen": halt.at}
                self._logger.warning("halted", source=source, who=halt.who, why=halt.why, **when)
        for source in before:
            if source not in now:
                self._logger.warning("halt taken back", source=source)


def _of(intent: Intent) -> dict[str, Any]:
    """What every line about an intent says."""
    fields: dict[str, Any] = {
        "intent": intent.id,
        "actionId": intent.action_id,
        "policy": intent.policy,
        "workload": intent.workload,
        "victim": intent.victim.path,
    }
    return fields | ({"dryRun": True} if intent.dry_run else {})


def _of_step(intent: Intent) -> dict[str, Any]:
    """The pod that the newest step of a drain is about."""
    if not intent.steps or intent.steps[-1].victim.uid == intent.victim.uid:
        return {}
    step = intent.steps[-1]
    return {"step": step.number, "pod": step.victim.path}


def _said(fields: Mapping[str, object]) -> dict[str, Any]:
    """Without fields that say nothing."""
    return {key: value for key, value in fields.items() if value != ""}


def _repeated(left_out: int) -> dict[str, int]:
    return {"repeated": left_out} if left_out else {}

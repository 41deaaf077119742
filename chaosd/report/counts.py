"""What is counted: attempts, kills, verdicts, failures, requests to the API server."""

from __future__ import annotations

import re

from chaosd.core.ledger import Intent, Verdict
from chaosd.core.model import Code, Reasons
from chaosd.core.status import recovery_seconds
from chaosd.report.declare import Declarations

RECOVERY_BUCKETS = (1, 2, 5, 10, 15, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800)
REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
UNKNOWN = "unknown"
OTHER = "other"
_MOST_KINDS = 50
_NAMED = re.compile(r"\b(intent|request|job|policy) \S+")


class Counts:
    """The counters and histograms."""

    def __init__(self, make: Declarations) -> None:
        self._make_attempts(make)
        self._make_outcomes(make)
        self._make_process(make)
        self._kinds: set[str] = set()

    def _make_attempts(self, make: Declarations) -> None:
        self._attempts = make.counter(
            "attempts_total",
            "Attempts that ended, by how: killed, refused, failed, dryRun, begun (more steps are"
            " to come), unknown (not known when the attempt ended; of both, the kill counts when it"
            " is known), or skipped (nothing was reserved).",
            *("policy", "target", "result"),
            example="sum by (policy, result) (increase(chaosd_attempts_total[1d]))",
        )
        self._skips = make.counter(
            "skips_total",
            "Skipped attempts, by every reason why nothing was struck: an attempt with two reasons"
            " counts under both.",
            *("policy", "reason"),
            example="topk(5, sum by (policy, reason) (increase(chaosd_skips_total[1d])))",
        )
        self._missed = make.counter(
            "slots_missed_total",
            "Slots that could not start within 30 s of their time and were dropped.",
            "policy",
            example="sum by (policy) (increase(chaosd_slots_missed_total[1h])) > 0",
        )

    def _make_outcomes(self, make: Declarations) -> None:
        self._kills = make.counter(
            "kills_total",
            "Actions by their result: killed, refused (by a disruption budget, or the victim was"
            " gone or another by then), failed (nothing happened) or dryRun. Each counts in one"
            " process only: sum over processes.",
            *("target", "policy", "namespace", "action", "result"),
            example="sum by (policy, namespace)"
            ' (increase(chaosd_kills_total{result="killed"}[1w]))',
        )
        self._verdicts = make.counter(
            "verdicts_total",
            "Verdicts on killed workloads: recovered, notRecovered (past the policy's deadline),"
            " closed (deleted, finished or scaled to zero), forgiven (a person said so).",
            *("policy", "verdict"),
            example='sum by (policy) (increase(chaosd_verdicts_total{verdict="notRecovered"}[1d]))',
        )
        self._recovery = make.histogram(
            "recovery_seconds",
            "Seconds from the reservation of a kill (at most 10 s before the kill) until the"
            " workload was whole again, of those that recovered within their deadline.",
            *("policy", "namespace"),
            buckets=RECOVERY_BUCKETS,
            example="histogram_quantile(0.9,"
            " sum by (le, policy) (rate(chaosd_recovery_seconds_bucket[1w])))",
        )

    def _make_process(self, make: Declarations) -> None:
        self._failures = make.counter(
            "failures_total",
            "Things inside chaosd that went wrong, by what it was doing; the log has the details.",
            "what",
            example="sum by (what) (increase(chaosd_failures_total[15m])) > 5",
        )
        self._requests = make.counter(
            "api_requests_total",
            "Requests to the API server, each attempt of a retried one; the code is the HTTP"
            " status, notSent or unanswered.",
            *("verb", "resource", "code"),
            example='sum by (code) (rate(chaosd_api_requests_total{code!~"2.."}[5m]))',
        )
        self._durations = make.histogram(
            "api_request_duration_seconds",
            "How long requests to the API server took, answered or not.",
            *("verb", "resource"),
            buckets=REQUEST_BUCKETS,
            example="histogram_quantile(0.99,"
            " sum by (le, verb) (rate(chaosd_api_request_duration_seconds_bucket[5m])))",
        )

    def policy(self, name: str) -> None:
        """Begin a policy's series at zero, so that its first event is an increase."""
        self._missed.labels(name)
        for verdict in Verdict:
            self._verdicts.labels(name, str(verdict))

    def attempted(
        self, policy: str, target: str, action_id: str, result: str, reasons: Reasons
    ) -> None:
        """Count an attempt, and why it was skipped if it was."""
        self._attempts.labels(policy, target or UNKNOWN, result).inc()
        if result != "skipped":
            return
        codes = {reason.code for reason in reasons}
        for code in codes:
            self._skips.labels(policy, str(code)).inc()
        # A slot is as late as its first ordinal; the others only follow.
        if Code.TOO_LATE in codes and action_id.endswith("#0"):
            self._missed.labels(policy).inc()

    def settled(self, intent: Intent) -> None:
        """Count a result."""
        self._kills.labels(
            str(intent.target),
            intent.policy,
            intent.victim.namespace,
            str(intent.action),
            str(intent.result or UNKNOWN),
        ).inc()

    def judged(self, intent: Intent) -> None:
        """Count a verdict, and how long the recovery took."""
        self._verdicts.labels(intent.policy, str(intent.verdict or UNKNOWN)).inc()
        seconds = recovery_seconds(intent)
        if seconds is not None:
            self._recovery.labels(intent.policy, intent.victim.namespace).observe(seconds)

    def failed(self, what: str) -> None:
        """Count a failure under what was being done, without the names in it."""
        kind = anonymous(what)
        if kind not in self._kinds and len(self._kinds) >= _MOST_KINDS:
            kind = OTHER
        self._kinds.add(kind)
        self._failures.labels(kind).inc()

    def requested(self, verb: str, resource: str, code: str, seconds: float) -> None:
        """Count a request to the API server."""
        self._requests.labels(verb, resource, code).inc()
        self._durations.labels(verb, resource).observe(max(0.0, seconds))


def anonymous(what: str) -> str:
    """What was being done, without the name of the one intent, request, job or policy: a bounded
    label."""
    return _NAMED.sub(r"\1", what)

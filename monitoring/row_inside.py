"""The row about chaosd itself: the API server as it sees it, its ledger, its processes."""

from __future__ import annotations

from monitoring.build import Ask, Head, Row, lines
from monitoring.promql import CLUSTER, grown, select, shown

_WRONG = 'code!~"2.."'

_REQUESTS = Head(
    "API requests by answer",
    "Requests a second by HTTP status; notSent and unanswered have none. 409 and 404 now and then"
    " are usual, 429 on pods/eviction is a disruption budget. 401 or 403: the rights or the token;"
    " `chaosd check FILE --cluster` names the missing RBAC rule.",
    8,
)
_ERRORS = Head(
    "API answers other than 2xx",
    "The same by what was asked. chaosd kills nothing that it can't read: while these last, expect"
    " `unreadable` among the skipped. docs/runbooks/ChaosdApiErrors.md.",
    8,
)
_LATENCY = Head(
    "API latency",
    "How long nine in ten and 99 in 100 requests took. Slow for everybody: look at the API server"
    " and etcd. Slow for chaosd alone: its CPU limit or the network.",
    8,
)
_LEDGER = Head(
    "Ledger size",
    "Size of the ledger. Nothing new is reserved above 900 KiB, the red line. Entries leave after"
    " 25 hours; `chaosd ledger repair` drops at once what is past its age, fewer kills a day keep"
    " it small. docs/runbooks/ChaosdLedgerNearLimit.md.",
    8,
)
_LEADERS = Head(
    "Who leads",
    "1 for the process that leads. Changing hands often: the leader is restarted, starved of CPU,"
    " or can't reach the API server; look at its pod. For two scrapes both may say 1: only one can"
    " write to the ledger.",
    8,
)
_FAILURES = Head(
    "Failures inside chaosd",
    "What went wrong, by what it was doing; the log has each with its error. Doubt is no kill, so"
    " nothing is struck because of one. Steady growth: read the log, `kubectl -n chaosd logs"
    " deployment/chaosd`.",
    24,
)
_BUILD = Head(
    "Versions",
    "Processes by version. Two for longer than a rollout takes: the Deployment is stuck, `kubectl"
    " -n chaosd rollout status deployment/chaosd`.",
    8,
)


def _latency(share: float, name: str) -> Ask:
    buckets = select("api_request_duration_seconds_bucket")
    found = f"sum by (le) (rate({buckets}[$__rate_interval]))"
    return Ask(f"histogram_quantile({share}, {found})", name)


def _rate(by: str, *more: str) -> str:
    return f"sum by ({by}) (rate({select('api_requests_total', CLUSTER, *more)}[$__rate_interval]))"


ROW = Row(
    "Inside chaosd",
    (
        lines(_REQUESTS, Ask(_rate("code"), "{{code}}"), unit="reqps"),
        lines(
            _ERRORS,
            Ask(_rate("verb, resource, code", _WRONG), "{{verb}} {{resource}}: {{code}}"),
            unit="reqps",
        ),
        lines(_LATENCY, _latency(0.9, "9 in 10"), _latency(0.99, "99 in 100"), unit="s"),
        lines(
            _LEDGER,
            Ask(f"max({select('ledger_bytes')})", "ledger"),
            unit="bytes",
            alarm=900 * 1024,
        ),
        lines(
            _LEADERS, Ask(shown("max", "pod, instance", "leader", CLUSTER), "{{pod}} {{instance}}")
        ),
        lines(_BUILD, Ask(f"count by (version) ({select('build_info')})", "{{version}}")),
        lines(_FAILURES, Ask(grown("what", select("failures_total")), "{{what}}"), bars=True),
    ),
)

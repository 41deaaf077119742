"""The row of what was done, and how the cluster took it."""

from __future__ import annotations

from monitoring.build import Ask, Head, Row, lines, ranking, spread
from monitoring.promql import POLICY, VICTIMS, grown, select

_KILLS = Head(
    "Kills over time",
    "Actions by target and result. `refused`: by a disruption budget, or the victim was gone or"
    " another by then. `failed`: nothing happened. Not what you want to see now: `chaosd halt"
    " --reason TEXT`. Who was killed: `chaosd status`, or `kubectl describe` of the pod's"
    " workload.",
    16,
)
_WHERE = Head(
    "Kills by policy and namespace",
    "What was really killed in the time shown. A namespace that should be spared: label it"
    ' `chaosd.io/enabled: "false"`, which is a veto.',
    8,
)
_SPREAD = Head(
    "Recovery",
    "Seconds until a struck workload was whole again, of those that recovered in time. What moves"
    " up is getting slower to recover: look for slow image pulls, probes that take long, or nodes"
    " without room.",
    12,
)
_QUANTILES = Head(
    "Recovery, quantiles of a day",
    "How long half, nine in ten and nearly all recoveries took in the day before. Near the policy's"
    " `deadline`: the next one may count as not recovered. Make the workload faster or the deadline"
    " longer.",
    12,
)
_VERDICTS = Head(
    "Verdicts",
    "How struck workloads ended: recovered, notRecovered (past the deadline), closed (deleted,"
    " finished or scaled to zero), forgiven. Each `notRecovered` is a workload that did not stand"
    " the loss of one pod: find out why before the next real failure does.",
    12,
)
_UNRECOVERED = Head(
    "Under way and unrecovered",
    "Actions that are not over, and those of them whose workload is past its deadline. A line that"
    " stays up: docs/runbooks/ChaosdNotRecovered.md.",
    12,
)

_BUCKETS = select("recovery_seconds_bucket", VICTIMS)


def _quantile(share: float, name: str) -> Ask:
    found = f"sum by (le) (increase({_BUCKETS}[1d]))"
    return Ask(f"histogram_quantile({share}, {found})", name)


ROW = Row(
    "Kills and recovery",
    (
        lines(
            _KILLS,
            Ask(grown("target, result", select("kills_total", VICTIMS)), "{{target}} {{result}}"),
            bars=True,
        ),
        ranking(
            _WHERE,
            Ask(
                grown(
                    "policy, namespace",
                    select("kills_total", VICTIMS, 'result="killed"'),
                    "$__range",
                ),
                "{{policy}} in {{namespace}}",
            ),
        ),
        spread(_SPREAD, Ask(grown("le", _BUCKETS), "{{le}}"), "s"),
        lines(
            _QUANTILES,
            _quantile(0.5, "half"),
            _quantile(0.9, "9 in 10"),
            _quantile(0.99, "99 in 100"),
            unit="s",
        ),
        lines(
            _VERDICTS,
            Ask(grown("verdict", select("verdicts_total", POLICY)), "{{verdict}}"),
            bars=True,
        ),
        lines(
            _UNRECOVERED,
            Ask(f"max({select('open_intents')})", "under way"),
            Ask(f"max({select('unrecovered')})", "unrecovered"),
        ),
    ),
)

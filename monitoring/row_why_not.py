"""The row that answers why nothing was killed."""

from __future__ import annotations

from monitoring.build import Ask, Head, Row, lines, ranking
from monitoring.promql import BUDGETS, POLICY, grown, select, shown

_FUNNEL = Head(
    "Candidates by reason",
    "What each policy's newest survey found, by reason against it; `eligible`: none. One with two"
    " reasons counts under both. No eligible ones: `chaosd explain --file FILE` names them and the"
    " reasons; what each means is in docs/metrics.md.",
    12,
    10,
)
_SKIPS = Head(
    "Skipped attempts by reason",
    "Why attempts ended without a kill. `windowClosed`, `minGap` and limits are as configured."
    " `unreadable`, `forbidden`, `clockSkew` and `ledger...` are troubles: look at the last row and"
    " at the log.",
    12,
    10,
)
_ATTEMPTS = Head(
    "Attempts by result",
    "Every attempt, by how it ended. `unknown`: not known when it ended; it is settled later and"
    " then counts as a kill or not. Only `skipped`: see the reasons beside.",
    8,
)
_REFUSALS = Head(
    "Refusals by disruption budgets",
    "Attempts that a PodDisruptionBudget kept from killing, before or at the eviction. One that"
    " always refuses also blocks node drains and upgrades: find it with `chaosd explain"
    " namespace/Kind/name --file FILE`, and give it room."
    " docs/runbooks/ChaosdBudgetAlwaysRefuses.md.",
    8,
)
_MISSED = Head(
    "Slots missed",
    "Slots that could not start within 30 s of their time and were dropped. Often: the process gets"
    " too little CPU, the API server is slow (last row), or more slots are close together than one"
    " attempt at a time can do.",
    8,
)

_REFUSED = (
    grown("policy", select("skips_total", POLICY, BUDGETS)),
    grown("policy", select("attempts_total", POLICY, 'result="refused"')),
)

ROW = Row(
    "Why nothing was killed",
    (
        ranking(
            _FUNNEL,
            Ask(
                f"sort_desc({shown('max', 'policy, reason', 'candidates')})",
                "{{policy}}: {{reason}}",
            ),
        ),
        lines(
            _SKIPS,
            Ask(grown("policy, reason", select("skips_total", POLICY)), "{{policy}}: {{reason}}"),
            bars=True,
        ),
        lines(
            _ATTEMPTS,
            Ask(grown("result", select("attempts_total", POLICY)), "{{result}}"),
            bars=True,
        ),
        lines(
            _REFUSALS,
            Ask(_REFUSED[0], "{{policy}} before the eviction"),
            Ask(_REFUSED[1], "{{policy}} at the eviction"),
            bars=True,
        ),
        lines(
            _MISSED,
            Ask(grown("policy", select("slots_missed_total", POLICY)), "{{policy}}"),
            bars=True,
        ),
    ),
)

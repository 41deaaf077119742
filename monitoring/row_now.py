"""The row that says in ten seconds whether anything may be killed, and what stands in the way."""

from __future__ import annotations

from monitoring.build import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    Ask,
    Column,
    Head,
    Row,
    columns,
    numbers,
    ranking,
    timeline,
)
from monitoring.promql import CLUSTER, POLICY, shown

_LEADER = Head(
    "Leader",
    "How many processes lead; exactly one strikes. Nobody leads: nothing is killed and nothing is"
    " observed. Look at the pods of chaosd and their logs, then `kubectl -n chaosd get lease chaosd"
    " -o yaml`; docs/runbooks/ChaosdNoLeader.md.",
    3,
    4,
)
_HALTED = Head(
    "Halted",
    "Halts in force, by where they come from. Nothing new is struck while there is one. `chaosd"
    " status` says who halted and why; `chaosd resume` takes back a command or an annotation, the"
    " configuration has `halted: false`.",
    6,
    4,
)
_UNRECOVERED = Head(
    "Unrecovered now",
    "Workloads that were struck and have not healed within their deadline. They count against"
    " limits.concurrent, so chaos stops. Mend them; `chaosd status` names each; what will not heal"
    " is let go with `chaosd forgive WORKLOAD`. docs/runbooks/ChaosdNotRecovered.md.",
    3,
    4,
)
_OPEN = Head(
    "Under way",
    "Actions that are not over: being struck, recovering or unrecovered. `chaosd status` lists"
    " them. To stop before the next one: `chaosd halt --reason TEXT`.",
    3,
    4,
)
_VALID = Head(
    "Configuration",
    "Whether the file is valid in every process. While it is not, nothing new is struck. The log"
    " and `chaosd check FILE` say what is wrong and where."
    " docs/runbooks/ChaosdConfigurationInvalid.md.",
    3,
    4,
)
_LOADED = Head(
    "Configuration loaded",
    "When a valid configuration was last loaded. Older than your last change: a ConfigMap volume"
    " lags up to two minutes; after that look at the log.",
    3,
    4,
)
_USABLE = Head(
    "Ledger",
    "Whether the ledger can be read and trusted in every process; while it can't, nothing is"
    " killed. `chaosd ledger show` says what is wrong. docs/runbooks/ChaosdLedgerUnusable.md.",
    3,
    4,
)
_COMING = Head(
    "Next kills",
    "When each policy's next slot comes, when it last killed (of the last 25 hours), and how much"
    " open window time lies between two kills in an ordinary week. A slot is a try: `chaosd explain"
    " --file FILE` says what would speak against it, `chaosd plan FILE` shows a week.",
    12,
)
_LIMITS = Head(
    "Limits left",
    "How many more kills each limit allows now, of all policies together or of one. 0 and nothing"
    " struck lately: something unrecovered holds `concurrent`. Otherwise it works as configured;"
    " change `limits` to have more.",
    12,
)
_NODES = Head(
    "Nodes out of service",
    "Nodes that each policy holds (being drained, held empty, rebooting or ending), since when the"
    " longest of them, and how many pods drains have still to evict. `chaosd status` says who"
    " blocks; `chaosd undo NODE` puts one back now. docs/runbooks/ChaosdNodeHeldLong.md.",
    24,
    5,
)
_WINDOWS = Head(
    "Windows",
    "When each policy's windows were open. Not as you expect: `chaosd windows FILE --at TIME` says"
    " which rule decides.",
    24,
    7,
)
_STOPPED = Head(
    "Halts, pauses and dry runs",
    "What kept policies from killing. A halt or a pause that nobody remembers is taken back with"
    " `chaosd resume` or `chaosd resume --policy NAME`, after `chaosd status` has said who made"
    " it.",
    24,
    7,
)


def _each(how: str, name: str) -> Ask:
    """A gauge of each cluster, over its processes."""
    return Ask(shown(how, "cluster", name, CLUSTER), "{{cluster}}")


ROW = Row(
    "Now",
    (
        numbers(
            _LEADER,
            _each("sum", "leader"),
            words={0: ("nobody", RED), 1: ("one", GREEN)},
        ),
        numbers(
            _HALTED,
            Ask(shown("max", "cluster, source", "halted", CLUSTER), "{{cluster}} {{source}}"),
            words={0: ("no", GREEN), 1: ("HALTED", ORANGE)},
        ),
        numbers(_UNRECOVERED, _each("max", "unrecovered"), alarm=1),
        numbers(_OPEN, _each("max", "open_intents")),
        numbers(
            _VALID,
            _each("min", "configuration_valid"),
            words={0: ("INVALID", RED), 1: ("valid", GREEN)},
        ),
        numbers(
            _LOADED,
            _each("1000 * max", "configuration_last_load_success_timestamp_seconds"),
            unit="dateTimeFromNow",
        ),
        numbers(
            _USABLE,
            _each("min", "ledger_usable"),
            words={0: ("UNUSABLE", RED), 1: ("usable", GREEN)},
        ),
        columns(
            _COMING,
            "policy",
            Column(
                "Next slot",
                f"1000 * {shown('max', 'policy', 'next_slot_timestamp_seconds')}",
                "dateTimeFromNow",
            ),
            Column(
                "Last kill",
                f"1000 * {shown('max', 'policy', 'last_kill_timestamp_seconds')}",
                "dateTimeFromNow",
            ),
            Column(
                "Open time between kills",
                shown("max", "policy", "expected_kill_interval_seconds"),
                "s",
            ),
        ),
        ranking(
            _LIMITS,
            Ask(
                shown(
                    "min", "scope, policy, limit", "limit_remaining", CLUSTER, 'policy=~"|$policy"'
                ),
                "{{scope}} {{policy}} {{limit}}",
            ),
            alarm_below=1,
        ),
        columns(
            _NODES,
            "policy",
            Column("Nodes held", shown("max", "policy", "nodes_held"), "none"),
            Column(
                "Held since",
                f"1000 * {shown('min', 'policy', 'node_held_since_timestamp_seconds')}",
                "dateTimeFromNow",
            ),
            Column("Pods left", shown("max", "policy", "drain_pods_left"), "none"),
        ),
        timeline(
            _WINDOWS,
            Ask(shown("max", "policy", "window_open"), "{{policy}}"),
            words={0: ("closed", GREY), 1: ("open", GREEN)},
        ),
        timeline(
            _STOPPED,
            Ask(shown("max", "source", "halted", CLUSTER), "halted: {{source}}"),
            Ask(shown("max", "policy", "paused", POLICY), "paused: {{policy}}"),
            Ask(shown("max", "policy", "dry_run", POLICY), "dry run: {{policy}}"),
            words={0: ("no", GREY), 1: ("yes", BLUE)},
        ),
    ),
)

"""What stands: gauges of this instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from chaosd.ports import Standing
from chaosd.report.declare import Declarations, Series

HALT_SOURCES = ("command", "annotation", "configuration")
_LAST_KNOWN = "The last known while chaosd_ledger_usable is 0."


class Gauges:
    """The gauges; series of a policy that is gone from the configuration go too.

    While the ledger can't be used, what is read from it keeps its last value: an alert that
    fires goes on firing.
    """

    def __init__(self, make: Declarations) -> None:
        self._make_process(make)
        self._make_ledger(make)
        self._make_policies(make)
        self._make_schedules(make)
        self._make_nodes(make)
        self._valid: bool | None = None

    def _make_process(self, make: Declarations) -> None:
        self._leader = make.gauge(
            "leader",
            "1 in the process that leads, and so strikes, as long as its lease is surely its own;"
            " 0 in the others.",
            example="sum(chaosd_leader) != 1",
        )
        self._configuration_valid = make.gauge(
            "configuration_valid",
            "1 while the configuration file is valid; while it is not, nothing new is struck.",
            example="min(chaosd_configuration_valid) == 0",
        )
        self._configuration_loaded = make.gauge(
            "configuration_last_load_success_timestamp_seconds",
            "Unix time at which a valid configuration was last loaded.",
        )

    def _make_ledger(self, make: Declarations) -> None:
        self._usable = make.gauge(
            "ledger_usable",
            "1 while the ledger can be read and trusted; while it can't, nothing is struck.",
            example="min(chaosd_ledger_usable) == 0",
        )
        self._bytes = make.gauge(
            "ledger_bytes",
            f"Size of the ledger's text; nothing is reserved above 921600 (900 KiB). {_LAST_KNOWN}",
            example="max(chaosd_ledger_bytes) / 921600 > 0.8",
        )
        self._open = make.gauge(
            "open_intents",
            "Actions that are not over: being struck, recovering or unrecovered."
            f" The same in every process. {_LAST_KNOWN}",
        )
        self._unrecovered = make.gauge(
            "unrecovered",
            "Workloads that did not recover in time and have not healed since."
            f" The same in every process. {_LAST_KNOWN}",
            example="max(chaosd_unrecovered) > 0",
        )
        self._halted = make.gauge(
            "halted",
            "1 for each source of a halt in force: command (chaosd halt), annotation"
            f" (chaosd.io/halt on the ledger), configuration (halted: true). {_LAST_KNOWN}",
            "source",
            example="max by (source) (chaosd_halted) == 1",
        )

    def _make_policies(self, make: Declarations) -> None:
        def series(name: str, meaning: str, *labels: str, example: str = "") -> Series:
            return Series(make.gauge(name, meaning, *labels, example=example))

        self._window = series("window_open", "1 while the policy's windows are open.", "policy")
        self._paused = series("paused", "1 while somebody has paused the policy.", "policy")
        self._dry_run = series(
            "dry_run",
            "1 for a policy that touches nothing.",
            "policy",
            example="count(max by (policy) (chaosd_dry_run) == 0)",
        )
        self._last_kill = series(
            "last_kill_timestamp_seconds",
            "Unix time of the policy's newest real kill, if the ledger remembers one (25 hours).",
            "policy",
            example="time() - max by (policy) (chaosd_last_kill_timestamp_seconds)",
        )
        self._limits = series(
            "limit_remaining",
            "How many more real kills a limit allows now: perHour, perDay (rolling) or concurrent,"
            " for all policies together (scope all, policy empty) or for one (scope policy).",
            *("scope", "policy", "limit"),
            example="min by (scope, policy, limit) (chaosd_limit_remaining) == 0",
        )
        self._candidates = series(
            "candidates",
            "What the policy's newest survey found, by reason against it (eligible: none); one with"
            " two reasons counts under both. Surveyed for each attempt, or for a schedule with"
            " meanTimeBetweenKills every surveyEvery.",
            *("policy", "reason"),
            example='chaosd_candidates{reason="eligible"} == 0',
        )

    def _make_schedules(self, make: Declarations) -> None:
        self._next = Series(
            make.gauge(
                "next_slot_timestamp_seconds",
                "Unix time of the policy's next slot, from the process that leads.",
                "policy",
                example="max by (policy) (chaosd_next_slot_timestamp_seconds) - time()",
            )
        )
        self._interval = Series(
            make.gauge(
                "expected_kill_interval_seconds",
                "Seconds of open window time between two kills of the policy in an ordinary week,"
                " by its schedule, windows and limits, if every slot finds a victim; from the"
                " process that leads. No series: none is expected.",
                "policy",
                example="86400 / max by (policy) (chaosd_expected_kill_interval_seconds)",
            )
        )

    def _make_nodes(self, make: Declarations) -> None:
        self._nodes_held = Series(
            make.gauge(
                "nodes_held",
                "Nodes that an action of the policy has out of service and owes back: being"
                f" drained, held, rebooting or ending. {_LAST_KNOWN}",
                "policy",
                example="sum(max by (policy) (chaosd_nodes_held))",
            )
        )
        self._held_since = Series(
            make.gauge(
                "node_held_since_timestamp_seconds",
                "Unix time since when the policy has a node out of service, the longest of them;"
                f" no series while it has none. {_LAST_KNOWN}",
                "policy",
                example="time() - min by (policy) (chaosd_node_held_since_timestamp_seconds)",
            )
        )
        self._pods_left = Series(
            make.gauge(
                "drain_pods_left",
                "Pods that drains of the policy have still to evict from nodes that they hold."
                f" {_LAST_KNOWN}",
                "policy",
                example="max by (policy) (chaosd_drain_pods_left) > 0",
            )
        )

    def leads(self, ask: Callable[[], bool]) -> None:
        """Ask at each scrape whether this process leads: a lease also runs out between looks."""
        self._leader.set_function(lambda: float(ask()))

    def standing(self, standing: Standing, now: datetime) -> None:
        """Show how things stand."""
        self._leader.set(standing.leading)
        self._configuration_valid.set(standing.configuration_valid)
        if standing.configuration_valid and not self._valid:
            self.loaded(now)
        self._valid = standing.configuration_valid
        self._usable.set(not standing.unusable)
        if not standing.leading:
            self._next.show({})
            self._interval.show({})
        if standing.unusable:
            return
        self._bytes.set(standing.ledger_bytes)
        self._open.set(standing.open_intents)
        self._unrecovered.set(standing.unrecovered)
        for source in HALT_SOURCES:
            self._halted.labels(source).set(source in standing.halted)
        self._window.show(_by_policy(standing.window_open))
        self._paused.show(_by_policy(standing.paused))
        self._dry_run.show(_by_policy(standing.dry_run))
        self._last_kill.show(_timestamps(standing.last_kills))
        self._limits.show(
            {
                ("policy" if policy else "all", policy, limit): float(left)
                for (policy, limit), left in standing.limits_left.items()
            }
        )
        intervals = standing.kill_intervals if standing.leading else {}
        self._interval.show(
            {(name,): x for name, x in intervals.items() if name in standing.dry_run}
        )
        self._candidates.keep(standing.dry_run)
        self._nodes_held.show({(name,): n for name, n in standing.nodes_held.items()})
        self._held_since.show(_timestamps(standing.held_since))
        self._pods_left.show({(name,): n for name, n in standing.pods_left.items()})

    def loaded(self, now: datetime) -> None:
        """Show when a valid configuration was loaded."""
        self._configuration_loaded.set(now.timestamp())

    def planned(self, next_slots: Mapping[str, datetime]) -> None:
        """Show the next slot of each policy."""
        self._next.show(_timestamps(next_slots))

    def sifted(self, policy: str, counts: Mapping[str, int]) -> None:
        """Show a survey; reasons that it did not find go away, but `eligible` stays, at 0."""
        found = {"eligible": 0, **counts}
        self._candidates.show({(policy, code): n for code, n in found.items()}, only=policy)


def _by_policy(values: Mapping[str, bool]) -> dict[tuple[str, ...], float]:
    return {(policy,): float(value) for policy, value in values.items()}


def _timestamps(values: Mapping[str, datetime]) -> dict[tuple[str, ...], float]:
    return {(policy,): at.timestamp() for policy, at in values.items()}

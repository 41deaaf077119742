"""Settings into what the rest of chaosd knows: policies, windows, limits."""

from __future__ import annotations

from datetime import timedelta

from chaosd.config.etcd import EtcdBackupSettings, EtcdSettings
from chaosd.config.groups import AlwaysRule, RuleSettings, WeeklySettings
from chaosd.config.policies import NodeSettings, PolicySettings, SelectSettings
from chaosd.config.settings import Settings
from chaosd.core.etcd_model import EtcdAuth, EtcdBackup, EtcdCluster, EtcdPods, EtcdTls
from chaosd.core.model import (
    Action,
    Configuration,
    Helper,
    Limits,
    NodeRules,
    OptIn,
    Policy,
    Select,
)
from chaosd.core.schedule import Every, MeanTime, Schedule
from chaosd.core.window import Always, Dates, Holidays, Rule, Weekly, Windows


def configuration(settings: Settings) -> Configuration:
    """Map settings that have passed all checks.

    Raises:
        ValueError: they have not.
    """
    return Configuration(
        windows=windows(settings),
        policies=tuple(policy(settings, one) for one in settings.policies),
        dry_run=settings.dry_run,
        cluster=settings.cluster,
        seed=settings.seed,
        opt_in=OptIn(settings.opt_in.label, settings.opt_in.value),
        namespaces=None if settings.namespaces is None else tuple(settings.namespaces),
        survey_every=settings.survey_every,
        halted=settings.halted,
        limits=Limits(
            settings.limits.per_hour, settings.limits.per_day, settings.limits.concurrent
        ),
        helper=_helper(settings),
        etcd=tuple(_etcd(one) for one in settings.etcd),
    )


def _helper(settings: Settings) -> Helper | None:
    given = settings.helper
    if given is None or given.namespace is None:
        return None
    if given.image is None:
        raise ValueError("helper.image is missing")
    return Helper(given.namespace, given.image)


def policy(settings: Settings, one: PolicySettings) -> Policy:
    """Map one policy, with the global settings that bind it."""
    return Policy(
        name=one.name,
        target=one.target,
        action=one.action,
        schedule=schedule(one),
        select=_select(one.select),
        windows=windows(settings, one),
        limits=Limits(one.limits.per_hour, one.limits.per_day, one.limits.concurrent),
        count=one.count,
        pdb=one.pdb,
        grace_period_seconds=one.grace_period_seconds,
        deadline=one.deadline,
        cooldown=one.cooldown,
        dry_run=settings.dry_run or one.dry_run,
        hold=one.hold if one.action is Action.DRAIN else timedelta(0),
        node=_node(one.node),
        container=one.container,
        clusters=tuple(one.clusters),
        member=one.member,
    )


def schedule(one: PolicySettings) -> Schedule:
    """Map the schedule of a policy.

    Raises:
        ValueError: none or several are given, or the jitter is too long.
    """
    given = one.schedule
    match (given.every, given.cron, given.mean_time_between_kills):
        case (timedelta() as every, None, None):
            return Every(every, given.jitter or timedelta(0))
        case (None, cron, None) if cron is not None:
            return cron
        case (None, None, timedelta() as mean):
            return MeanTime(mean, given.min_gap or one.deadline + one.cooldown)
    raise ValueError("write exactly one of every, cron and meanTimeBetweenKills")


def windows(settings: Settings, one: PolicySettings | None = None) -> Windows:
    """Map the global windows, narrowed by those of a policy."""
    layers, deny = [], [*settings.windows.deny]
    if settings.windows.allow is not None:
        layers.append(_rules(settings.windows.allow))
    if one is not None:
        deny += one.windows.deny
        if one.windows.allow:  # an empty list narrows nothing
            layers.append(_rules(one.windows.allow))
    return Windows(settings.timezone, tuple(layers), _rules(deny))


def _rules(given: list[RuleSettings]) -> tuple[Rule, ...]:
    return tuple(rule(one) for one in given)


def rule(given: RuleSettings) -> Rule:
    """Map one rule of windows.

    Raises:
        ValueError: none or several kinds of rule are given.
    """
    if isinstance(given, AlwaysRule):
        return Always()
    match (given.weekly, given.dates, given.holidays):
        case (WeeklySettings() as weekly, None, None):
            return Weekly(weekly.days, weekly.start, weekly.end, given.name)
        case (None, dates, None) if dates is not None:
            return Dates(dates.first, dates.last, given.name)
        case (None, None, holidays) if holidays is not None:
            return Holidays(holidays.country, holidays.subdivision, given.name)
    raise ValueError("write exactly one of weekly, dates and holidays")


def _select(given: SelectSettings) -> Select:
    return Select(
        namespaces=tuple(given.namespaces),
        labels=given.labels,
        annotations=given.annotations,
        kinds=tuple(given.kinds),
        names=given.names,
        nodes=given.nodes,
        min_age=given.min_age,
        min_replicas=given.min_replicas,
    )


def _node(given: NodeSettings) -> NodeRules:
    return NodeRules(
        max_unavailable=given.max_unavailable,
        pool=given.pool,
        min_nodes=given.min_nodes,
        last_of_zone=given.last_of_zone,
        control_plane=given.control_plane,
        empty_dir=given.empty_dir,
    )


def _etcd(given: EtcdSettings) -> EtcdCluster:
    pods, tls, auth = given.pods, given.tls, given.auth
    return EtcdCluster(
        name=given.name,
        endpoints=tuple(given.endpoints),
        pods=EtcdPods(pods.namespace, pods.labels, pods.port, pods.scheme.value) if pods else None,
        tls=EtcdTls(tls.ca, tls.cert, tls.key, tls.server_name) if tls else None,
        backup=_backup(given.backup) if given.backup else None,
        snapshot_check=given.snapshot_check,
        auth=EtcdAuth(auth.username, auth.password_file) if auth else None,
    )


def _backup(given: EtcdBackupSettings) -> EtcdBackup:
    return EtcdBackup(
        given.max_age,
        prometheus=given.prometheus or "",
        query=given.query or "",
        file=given.file or "",
        ca=given.tls.ca if given.tls else "",
        bearer_token_file=given.bearer_token_file or "",
    )

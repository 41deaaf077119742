"""Before anything begins: the API server is waited for, and asked whether this will work there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import stamina
from msgspec import Struct

from chaosd.core.model import Configuration
from chaosd.daemon.wiring import Connection
from chaosd.engine.preflight import outlook, permission_words
from chaosd.kube.offers import too_old
from chaosd.kube.permissions import Need, missing, needs
from chaosd.kube.reads import KubeReads
from chaosd.kube.retry import may_pass
from chaosd.ports import CallFailed, Forbidden, Report
from chaosd.targets.helper_trial import helper_words

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0


class _Asked(Struct, frozen=True):
    """``too_old``: why this API server will not do, or ""."""

    too_old: str = ""
    lacking: Sequence[Need] = ()


def preflight(
    connection: Connection,
    configuration: Callable[[], Configuration | None],
    report: Report,
    awaits: Callable[[str], None] = lambda _: None,
) -> bool:
    """Say what the configuration can do to this cluster; False when the API server is too old or a
    needed permission is missing.

    A server that does not answer, or does not accept our credentials now, is asked again and again,
    after waits of up to 30 s; ``awaits`` is told why meanwhile, and "" at the end. Other trouble is
    no reason not to start: what may be left to undo or to observe can't wait.
    """
    try:
        asked = _until_answered(connection, configuration, report, awaits)
        report.noted("connected")
        if asked.too_old:
            report.noted("the API server is too old", problems=[asked.too_old])
            return False
        for need, words in zip(asked.lacking, permission_words(asked.lacking), strict=True):
            report.noted("a permission is missing", required=need.required, rule=words)
        if any(need.required for need in asked.lacking):
            return False
        if loaded := configuration():
            for line in outlook(loaded, connection.targets, connection.clock.now()).says:
                report.noted(line)
            for line in helper_words(KubeReads(connection.api), loaded):
                report.noted(line)
    except CallFailed as error:
        report.failed("look at the cluster before the start", error)
    return True


def _until_answered(
    connection: Connection,
    configuration: Callable[[], Configuration | None],
    report: Report,
    awaits: Callable[[str], None],
) -> _Asked:
    def wait_on(error: Exception) -> bool:
        if not may_pass(error) and not (isinstance(error, Forbidden) and error.status == 401):
            return False
        awaits(f"waiting for the API server: {error}")
        report.noted("waiting for the API server: nothing is struck", problems=[str(error)])
        return True

    caller = stamina.RetryingCaller(
        attempts=None,
        timeout=None,
        wait_initial=_FIRST_WAIT,
        wait_max=_LONGEST_WAIT,
        wait_jitter=_FIRST_WAIT,
    )
    try:
        return caller(wait_on, lambda: _ask(connection, configuration()))
    finally:
        awaits("")


def _ask(connection: Connection, configuration: Configuration | None) -> _Asked:
    if words := too_old(connection.api):
        return _Asked(words)
    if configuration is None:
        return _Asked()
    wanted = needs(configuration, connection.namespace, in_cluster=connection.in_cluster)
    return _Asked(lacking=missing(connection.api, wanted))

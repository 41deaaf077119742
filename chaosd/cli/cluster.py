"""The cluster as commands reach it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from chaosd.cli.failures import NoCluster
from chaosd.cli.output import note
from chaosd.core.admission import MAX_SKEW
from chaosd.core.model import WorkloadKey

if TYPE_CHECKING:
    from chaosd.daemon.wiring import Connection


def connected(kubeconfig: str | None, context: str | None, namespace: str | None) -> Connection:
    """Sign in; raises NoCluster."""
    # Brings the official client along, which takes its time.
    from chaosd.daemon.wiring import connect  # noqa: PLC0415
    from chaosd.kube.signin import SignInFailed  # noqa: PLC0415

    try:
        connection = connect(kubeconfig=kubeconfig, context=context, namespace=namespace)
        connection.where()
    except SignInFailed as error:
        raise NoCluster(str(error)) from None
    return connection


class ServerClock:
    """Our clocks, put right by the API server's (a :class:`chaosd.ports.Clock`).

    What others compare with is written in the server's time. A difference so large that chaosd
    would not kill is said. Raises CallFailed when the server does not answer.
    """

    def __init__(self, connection: Connection) -> None:
        self._clock = connection.clock
        if connection.cluster.skew() is None:
            connection.lease.read()
        skew = connection.cluster.skew() or 0.0
        if abs(skew) > MAX_SKEW:
            note(f"this machine's clock is {-skew:+.0f} s off the API server's, whose time is used")
        # Dates of answers are good to a second or so: less is no difference.
        self._ahead = timedelta(seconds=skew if abs(skew) > 1 else 0)

    def now(self) -> datetime:
        """The server's time, in UTC."""
        now: datetime = self._clock.now()
        return now + self._ahead

    def boot(self) -> float:
        """Seconds that never jump."""
        return float(self._clock.boot())

    def stamp(self) -> datetime:
        """The server's time in whole seconds, for people to read."""
        return self.now().replace(microsecond=0)


def workload_of_pod(connection: Connection, namespace: str, name: str) -> WorkloadKey | None:
    """The workload that a pod belongs to; None when there is no such pod. Raises CallFailed."""
    from chaosd.kube.reads import KubeReads  # noqa: PLC0415
    from chaosd.targets.owners import workload_of  # noqa: PLC0415

    reads = KubeReads(connection.api)
    pod = reads.pod(namespace, name)
    if pod is None:
        return None
    key = workload_of(pod)
    if key is not None and key.kind == "Job":
        for page in reads.job_owners(namespace):
            for job, owner in page:
                if job == key:
                    return owner
    return key or WorkloadKey(namespace, "Pod", name)

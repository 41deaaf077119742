"""Whether a workload may be struck: every reason against it that its own object can tell.

The reasons of its pods are in :mod:`chaosd.core.pods`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chaosd.core.facts import Own, WorkloadFacts
from chaosd.core.model import Configuration, OptIn, Policy, Reason, Reasons, Select, WorkloadKey
from chaosd.core.schedule import MeanTime, Rate, Schedule


class Sift:
    """The rules of one policy at one instant, prepared for many workloads and pods.

    ``namespaced`` says that nodes can't be read. ``schedule`` is what a workload's annotations may
    slow down.
    """

    def __init__(
        self,
        select: Select,
        opt_in: OptIn,
        now: datetime,
        own: Own,
        *,
        schedule: Schedule | None = None,
        namespaced: bool = False,
    ) -> None:
        raise NotImplementedError

    @classmethod
    def of(cls, configuration: Configuration, policy: Policy, now: datetime, own: Own) -> Sift:
        """The rules of ``policy`` as part of ``configuration``."""
        raise NotImplementedError

    def reasons(
        self,
        workload: WorkloadFacts,
        namespace: Mapping[str, str] | None,
        *,
        pods_opted_in: bool = False,
    ) -> Reasons:
        """Every reason against ``workload`` that is known without its pods.

        ``namespace`` is the namespace's labels; None: they could not be read, which is a reason.
        ``pods_opted_in``: one of its pods carries the opt-in by a label of its own.
        """
        raise NotImplementedError


def opt_in_reasons(
    opt_in: OptIn,
    workload: Mapping[str, str],
    pod: Mapping[str, str] | None,
    namespace: Mapping[str, str] | None,
) -> Reasons:
    """Opted in by any of the three labels, vetoed by any that says ``"false"``.

    ``pod`` None: not looked at. ``namespace`` None: could not be read, so it may hold a veto.
    """
    raise NotImplementedError


def rate_of(
    schedule: MeanTime, workload: WorkloadKey, annotations: Mapping[str, str]
) -> Rate | Reason:
    """The rate of one workload: the policy's, or the lower one that its annotations ask for.

    Gives the reason why its annotations can't be followed, if they can't.
    """
    raise NotImplementedError

"""Asking the members of one declared cluster, and joining what all of them say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from chaosd.core.etcd_match import asked_at, runs, same_place, scheme_of
from chaosd.core.etcd_model import EtcdCluster
from chaosd.core.facts import PodFacts
from chaosd.core.quorum import Member
from chaosd.ports import CallFailed
from chaosd.targets.etcd_gateway import Gateway, Looked
from chaosd.targets.etcd_together import Together, one_by_one

EACH, ALL = 2.0, 6.0
"""Seconds that one member, and all members of a cluster together, may take to answer. All are asked
at once: more than ``EACH`` is needed only where they list URLs that were not declared."""

_NOT_STARTED = "it has not started yet: it names no client URL"


class Asking:
    """One look at one cluster.

    ``endpoints`` are the places to ask, each with the pod that it is, where one was declared.
    ``members`` are all that its members list, each with what it said of itself or why it is not
    healthy; ``problems`` say why that is not the whole picture.
    """

    def __init__(
        self,
        gateway: Gateway,
        cluster: EtcdCluster,
        endpoints: Mapping[str, PodFacts | None],
        boot: Callable[[], float],
        together: Together = one_by_one,
    ) -> None:
        self._gateway = gateway
        self._cluster = cluster
        self._endpoints = endpoints
        self._boot = boot
        self._together = together
        self._until = boot() + ALL
        self._failed: dict[str, str] = {}
        self._said: dict[str, Looked] = {}
        self._listed: dict[str, Member] = {}
        self.problems: list[str] = []
        self._ask([*endpoints])
        self._take_sides()
        self._schemes = {scheme_of(endpoint) for endpoint in endpoints}
        self._ask_at_own_urls()
        self.members = tuple(self._own(member) for member in self._listed.values())
        self._strangers()

    def _ask(self, endpoints: Sequence[str]) -> None:
        """Ask at all of these places, and note what each says in their order."""
        for endpoint, answer in zip(
            endpoints, self._together(self._answer, endpoints), strict=True
        ):
            if isinstance(answer, str):
                self._failed[endpoint] = answer
            else:
                member = msgspec.structs.replace(answer.member, endpoint=endpoint)
                self._said[endpoint] = Looked(member, answer.listed)

    def _answer(self, endpoint: str) -> Looked | str:
        """What is said there, or why nothing is. On any thread: it changes nothing here."""
        left = min(EACH, self._until - self._boot())
        if left <= 0:
            return f"not asked: the others took more than {ALL:.0f} s"
        try:
            return self._gateway.look(self._cluster, endpoint, left)
        except CallFailed as error:
            return str(error) or type(error).__name__

    def _take_sides(self) -> None:
        """Of several clusters, the one that most endpoints are of; the others are told."""
        count = Counter(looked.member.cluster_id for looked in self._said.values())
        if not count:
            return
        main = max(sorted(count), key=lambda one: count[one])
        for endpoint, looked in list(self._said.items()):
            if looked.member.cluster_id != main:
                detail = f"{endpoint} is of another cluster ({looked.member.cluster_id})"
                self.problems.append(f"{detail} than the others ({main})")
                del self._said[endpoint]
        for looked in self._said.values():
            for member in looked.listed:
                self._listed.setdefault(member.id, member)
        for endpoint, looked in self._said.items():
            if looked.member.id not in self._listed:
                detail = f"{endpoint} answers as {looked.member}, which is no member that is listed"
                self.problems.append(detail)

    def _ask_at_own_urls(self) -> None:
        """Ask listed members that no endpoint reached at their own URLs: all at the first of each,
        then those that did not answer there at the next one."""
        asked: set[str] = set()
        while True:
            due: dict[str, set[str]] = {}
            for member in self._listed.values():
                if url := self._next_url(member, asked):
                    due.setdefault(url, set()).add(member.id)
            if not due:
                return
            asked.update(due)
            self._ask([*due])
            for url, wanted in due.items():
                looked = self._said.get(url)
                if looked is not None and wanted != {looked.member.id}:
                    self._failed[url] = f"{looked.member} answers there"
                    if looked.member.id not in wanted:
                        del self._said[url]

    def _next_url(self, member: Member, asked: Collection[str]) -> str:
        """Where to ask a listed member next; "" when it has answered, or there is no other URL."""
        if self._reached(member.id) is not None or self._failed_in_its_pod(member):
            return ""
        known = [*asked, *self._failed, *self._said]
        return next(
            (
                url
                for url in asked_at(member, self._schemes)
                if url not in known and not any(same_place(one, url) for one in known)
            ),
            "",
        )

    def _own(self, listed: Member) -> Member:
        """What a listed member says of itself, or why it does not."""
        if (found := self._reached(listed.id)) is not None:
            return self._with_urls(found, listed)
        told = self._failed_in_its_pod(listed)
        urls = asked_at(listed, self._schemes)
        return msgspec.structs.replace(listed, error=told or self._why_not(listed, urls))

    def _failed_in_its_pod(self, listed: Member) -> str:
        """Why the member's declared pod did not answer; "" when it has none."""
        told = (_told(one, why) for one, why in self._failed.items() if self._is(one, listed))
        return "; ".join(told)

    def _is(self, endpoint: str, member: Member) -> bool:
        pod = self._endpoints.get(endpoint)
        return pod is not None and runs(self._cluster, member, pod)

    def _reached(self, member_id: str) -> Member | None:
        """What the member said; of several answers the one that speaks against it."""
        said = [one.member for one in self._said.values() if one.member.id == member_id]
        return min(said, key=lambda one: one.healthy, default=None)

    def _with_urls(self, found: Member, listed: Member) -> Member:
        """A member may leave out of what it says of itself what others list of it."""
        return msgspec.structs.replace(
            found,
            name=found.name or listed.name,
            peer_urls=found.peer_urls or listed.peer_urls,
            client_urls=found.client_urls or listed.client_urls,
        )

    def _why_not(self, listed: Member, urls: Sequence[str]) -> str:
        others = {one: f"{looked.member} answers there" for one, looked in self._said.items()}
        told = [
            _told(endpoint, error)
            for endpoint, error in {**others, **self._failed}.items()
            if endpoint in urls or any(same_place(endpoint, url) for url in urls)
        ]
        if told:
            return "; ".join(told)
        if not listed.client_urls:
            return _NOT_STARTED
        return (
            f"not reached: {', '.join(listed.client_urls)} is of another scheme than was declared"
        )

    def _strangers(self) -> None:
        """The declared places that did not answer, and are no listed member's own URL."""
        for endpoint, error in self._failed.items():
            if not any(
                self._is(endpoint, member)
                or any(same_place(endpoint, url) for url in member.client_urls)
                for member in self.members
            ):
                self.problems.append(_told(endpoint, error))


def _told(endpoint: str, error: str) -> str:
    """What is wrong at an endpoint, which most errors name themselves."""
    return error if error.startswith(endpoint) else f"{endpoint}: {error}"

"""A real etcd cluster on loopback, and everything that can go wrong with one.

    with EtcdCluster(count=3) as cluster:
        cluster.leader().kill()

The binaries are those of ``make tools``; see :func:`require_etcd`. Everything ends with the block,
and also when the tests are killed.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import pytest

from tests.etcd_members.authority import Authority, Tls
from tests.etcd_members.member import Member
from tests.etcd_members.network import PeerNetwork
from tests.real.control_plane import binary
from tests.real.keeper import Keeper
from tests.support.ports import steady_ports
from tests.support.waiting import until

BINARIES = ("etcd", "etcdctl")
NOT_YET = ("unhealthy cluster", "learner which is in sync with leader")
ASK_SECONDS = 5.0
"""How long one member may take to answer one question of the tests."""


def require_etcd() -> None:
    """Skip the test where etcd is missing; fail it in CI, where that must not go unseen."""
    missing = [name for name in BINARIES if binary(name) is None]
    if missing:
        words = f"NO REAL ETCD: `make tools` (it needs Go) builds {' and '.join(missing)}"
        if os.environ.get("CI"):
            pytest.fail(words)
        pytest.skip(words)


class EtcdCluster:
    """``count`` members, healthy at the start of the ``with`` block.

    ``quota_bytes`` is the most their databases may hold. An ``authority`` shared by two clusters
    makes the client certificate of one good for the other, which has to be told by other means.
    ``flags`` are more flags of etcd.

    ``tls`` are the files of a client (None without TLS); ``members`` those in the cluster, learners
    too, without the removed ones.
    """

    def __init__(
        self,
        count: int = 3,
        *,
        tls: bool = True,
        quota_bytes: int | None = None,
        name: str = "main",
        authority: Authority | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        require_etcd()
        self.name = name
        self.members: list[Member] = []
        self.removed: list[Member] = []
        self._stack = ExitStack()
        self._keeper = self._stack.enter_context(Keeper())
        made = tempfile.TemporaryDirectory(prefix="chaosd-etcd-", ignore_cleanup_errors=True)
        self.folder = Path(self._stack.enter_context(made))
        self._keeper.remove(self.folder)
        self._count = count
        self._scheme = "https" if tls else "http"
        self._flags = [*flags]
        if quota_bytes is not None:
            self._flags.append(f"--quota-backend-bytes={quota_bytes}")
        self.authority = authority or Authority(self.folder)
        self.tls = self.authority.issue(f"{name}-client") if tls else None
        self._network = PeerNetwork(self._pids)
        self._made = 0

    def __enter__(self) -> Self:
        try:
            self._stack.enter_context(self._network)
            self._stack.callback(self._kill_all)
            self.members = [self._member() for _ in range(self._count)]
            for member in self.members:
                member.flags = self._join(self.members, "new")
                member.start()
            self.wait_healthy()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    # ---- asking

    @property
    def endpoints(self) -> list[str]:
        """The client URLs of the members."""
        return [member.client_url for member in self.members]

    def member(self, name: str) -> Member:
        """The member of that name."""
        return next(one for one in self.members if one.name == name)

    def leader(self) -> Member:
        """The member that leads now; waits for one."""
        return until(self._leader, self._logs)

    def followers(self) -> list[Member]:
        """All members but the leader."""
        leader = self.leader()
        return [one for one in self.members if one is not leader]

    def wait_healthy(self, members: Sequence[Member] | None = None) -> None:
        """Wait until these (all) members say that they are healthy, agree on one leader, and have
        applied what it has."""
        until(lambda: self._agree(self.members if members is None else members), self._logs)

    def etcdctl(self, *args: str, member: Member | None = None, tls: Tls | None = None) -> str:
        """What etcdctl prints, asking all members or this one, as the client or with other files.
        Raises subprocess.CalledProcessError; its ``stderr`` says why."""
        command = [str(binary("etcdctl"))]
        endpoints = self.endpoints if member is None else [member.client_url]
        command.append(f"--endpoints={','.join(endpoints)}")
        files = tls or self.tls
        if files is not None:
            command += [f"--cacert={files.ca}", f"--cert={files.cert}", f"--key={files.key}"]
        try:
            done = subprocess.run([*command, *args], check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return done.stdout

    def client(self, tls: Tls | None = None) -> httpx.Client:
        """An HTTP client that trusts the members and shows the client's certificate (or other
        files)."""
        files = tls or self.tls
        trust: ssl.SSLContext | bool = False
        if files is not None:
            trust = ssl.create_default_context(cafile=str(files.ca))
            trust.load_cert_chain(files.cert, files.key)
        return httpx.Client(verify=trust, timeout=ASK_SECONDS, trust_env=False)

    def alarms(self) -> list[dict[str, Any]]:
        """The alarms that are raised, as the gateway gives them (memberID, alarm)."""
        answer = self.leader().ask("/v3/maintenance/alarm", {"action": "GET"})
        return list(answer.get("alarms", ()))

    # ---- changing

    def add_learner(self) -> Member:
        """One more member, which does not vote; returns when it answers as a learner."""
        learner = self._member()
        self._reconfigure("add", learner.name, "--learner", f"--peer-urls={learner.peer_url}")
        learner.flags = self._join([*self.members, learner], "existing")
        self.members.append(learner)
        learner.start()

        def answers() -> bool:
            try:
                return bool(learner.status().get("isLearner"))
            except httpx.HTTPError:
                return False

        until(answers, learner.log)
        return learner

    def promote(self, learner: Member) -> None:
        """Make it a voter, as soon as it has caught up."""
        self._reconfigure("promote", learner.id)

    def remove(self, member: Member) -> None:
        """Take it out of the cluster; its process then ends by itself, or (one that does not hear
        of it) runs on alone."""
        self._reconfigure("remove", member.id, but=member)
        self.members.remove(member)
        self.removed.append(member)
        member.removed = True

    def fill_quota(self) -> None:
        """Write until the database is full: a NOSPACE alarm, for real. Needs ``quota_bytes``, a
        small one."""
        value = "x" * 100_000

        def refused() -> bool:
            try:
                for number in range(40):
                    self.etcdctl("put", f"fill/{number}", value)
            except subprocess.CalledProcessError as error:
                return "database space exceeded" in error.stderr
            return False

        until(refused, self._logs)
        until(lambda: any(one.get("alarm") == "NOSPACE" for one in self.alarms()), self._logs)

    def make_room(self) -> None:
        """Take back what :meth:`fill_quota` did, and disarm the alarm; returns when healthy."""
        self.etcdctl("del", "fill/", "--prefix")
        revision = self.leader().status()["header"]["revision"]
        self.etcdctl("compaction", "--physical", revision)
        self.etcdctl("defrag")
        self.etcdctl("alarm", "disarm")
        self.wait_healthy()

    def other_client_cert(self, *, expired: bool = False, foreign: bool = False) -> Tls:
        """The files of a client that the members refuse: expired, or signed by nobody they know."""
        if foreign:
            stranger = Authority(self.folder, "foreign").issue("foreign-client", expired=expired)
            return Tls(self.authority.ca, stranger.cert, stranger.key)
        name = "expired-client" if expired else "other-client"
        return self.authority.issue(name, expired=expired)

    def rotate_client_cert(self, *, expired: bool = False) -> None:
        """Put another certificate and key into the client's files."""
        assert self.tls is not None, "without TLS there is nothing to rotate"
        self.authority.issue(self.tls.cert.stem, expired=expired)

    # ---- inside

    def _member(self) -> Member:
        """A member that is not started, with a proxy before it."""
        name = f"{self.name}-{self._made}"
        self._made += 1
        client_port, peer_port, proxy_port = steady_ports(3)
        self._network.serve(name, proxy_port, peer_port)
        client, peer, proxy = (
            f"{self._scheme}://127.0.0.1:{port}" for port in (client_port, peer_port, proxy_port)
        )
        data = self.folder / name
        command = [
            str(binary("etcd")),
            f"--name={name}",
            f"--data-dir={data}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={proxy}",
            f"--initial-cluster-token={self.name}",
            # A SIGKILL takes nothing from the page cache: without fsync only a power cut could lose
            # an acknowledged write, and no test here cuts power.
            "--unsafe-no-fsync=true",
            *self._tls_flags(name),
            *self._flags,
        ]
        return Member(
            name, command, data, (client, proxy), self._keeper, self._network, self.client
        )

    def _tls_flags(self, name: str) -> list[str]:
        if self.tls is None:
            return []
        files = self.authority.issue(name)
        found = []
        for prefix in ("", "peer-"):
            found += [
                f"--{prefix}client-cert-auth=true",
                f"--{prefix}trusted-ca-file={files.ca}",
                f"--{prefix}cert-file={files.cert}",
                f"--{prefix}key-file={files.key}",
            ]
        return found

    def _join(self, members: Sequence[Member], state: str) -> list[str]:
        known = ",".join(f"{one.name}={one.peer_url}" for one in members)
        return [f"--initial-cluster={known}", f"--initial-cluster-state={state}"]

    def _reconfigure(self, *args: str, but: Member | None = None) -> None:
        """``etcdctl member ...``, asked of one that can answer, as soon as etcd allows it: members
        have to be connected for 5 s first, and a learner to have caught up."""
        asked = next(one for one in self.members if one is not but and one.answering)

        def done() -> bool:
            try:
                self.etcdctl("member", *args, member=asked)
            except subprocess.CalledProcessError as error:
                if any(words in error.stderr for words in NOT_YET):
                    return False
                raise
            return True

        until(done, self._logs)

    def _pids(self) -> dict[str, int]:
        everyone = [*self.members, *self.removed]
        return {one.name: one.pid for one in everyone if one.running}

    def _leader(self) -> Member | None:
        """Of those that call themselves leader the one of the highest term: one that was cut off
        takes a moment to find out."""
        leading: list[tuple[int, Member]] = []
        for member in self.members:
            if not member.answering:
                continue
            try:
                status = member.status()
            except httpx.HTTPError:
                continue
            if status.get("leader") == status["header"]["member_id"]:
                leading.append((int(status["raftTerm"]), member))
        return max(leading, key=lambda pair: pair[0])[1] if leading else None

    def _agree(self, members: Sequence[Member]) -> bool:
        if not all(member.answering for member in members):
            return False
        try:
            before = [member.status() for member in members]
            after = [member.status() for member in members]
        except httpx.HTTPError:
            return False
        voters = [
            one for one, status in zip(members, before, strict=True) if not status.get("isLearner")
        ]
        written = max(int(status["raftIndex"]) for status in before)
        applied = min(int(status["raftAppliedIndex"]) for status in after)
        one_leader = len({status.get("leader") for status in after}) == 1
        # A learner refuses the read by quorum that /health asks for.
        return one_leader and applied >= written and all(voter.healthy() for voter in voters)

    def _logs(self) -> str:
        return "\n".join(member.log() for member in self.members)

    def _kill_all(self) -> None:
        for member in [*self.members, *self.removed]:
            member.kill()

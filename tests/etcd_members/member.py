"""One member: its process, and what it says of itself."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.etcd_members.network import PeerNetwork
from tests.real.keeper import Keeper
from tests.support.waiting import until

STOP_SECONDS = 30.0


class Member:
    """An etcd process on loopback, its data in ``data_dir``.

    ``peer_url`` is what it advertises to the others (its proxy); ``flags`` are what it is started
    with, and may be added to while it is down; ``removed`` is whether it was taken out of the
    cluster.
    """

    def __init__(
        self,
        name: str,
        command: list[str],
        data_dir: Path,
        urls: tuple[str, str],
        keeper: Keeper,
        network: PeerNetwork,
        client: Callable[[], httpx.Client],
    ) -> None:
        self.name = name
        self.data_dir = data_dir
        self.client_url, self.peer_url = urls
        self.flags: list[str] = []
        self.removed = False
        self._command = command
        self._keeper = keeper
        self._network = network
        self._client = client
        self._process: subprocess.Popen[bytes] | None = None
        self._id = ""
        self._paused = False

    def __repr__(self) -> str:
        return f"Member({self.name}, {self.client_url})"

    @property
    def pid(self) -> int:
        """Its process; fails when it is down."""
        assert self._process is not None, f"{self.name} is down"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether there is a process (which may be paused)."""
        return self._process is not None and self._process.poll() is None

    @property
    def answering(self) -> bool:
        """Whether it can answer at all: it runs and is not paused."""
        return self.running and not self._paused

    @property
    def id(self) -> str:
        """Its member ID as etcdctl writes it (hex), as it says itself; waits for that at first."""
        if not self._id:
            self._id = until(self._asked_id, self.log)
        return self._id

    @property
    def port(self) -> int:
        """The port of its client URL."""
        return int(self.client_url.rpartition(":")[2])

    # ---- its process

    def start(self) -> None:
        """Start it (again, on its data). Does not wait until it answers."""
        assert not self.running, f"{self.name} runs already"
        self._forget()
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._command, *self.flags],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.data_dir.parent,
                env={key: os.environ[key] for key in os.environ if not key.startswith("ETCD_")},
                start_new_session=True,
            )
        self._keeper.started(self._process.pid)

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait for its end; a leader hands its leadership over first."""
        self._end(signal.SIGTERM)

    def pause(self) -> None:
        """SIGSTOP: it answers nothing more, and its connections stay."""
        os.kill(self.pid, signal.SIGSTOP)
        self._paused = True

    def resume(self) -> None:
        """SIGCONT."""
        os.kill(self.pid, signal.SIGCONT)
        self._paused = False

    def restart(self) -> None:
        """SIGKILL, and start again on its data."""
        self.kill()
        self.start()

    # ---- its network

    def partition(self) -> None:
        """Cut it off from all other members, both ways. Its clients reach it still."""
        self._network.isolate(self.name)

    def heal(self) -> None:
        """Let it reach the others again."""
        self._network.rejoin(self.name)

    # ---- what it says

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """What its JSON gateway answers to a POST (64-bit numbers are strings, those that are 0
        are left out). Raises httpx.HTTPError when it does not answer, or answers an error."""
        with self._client() as client:
            answer = client.post(f"{self.client_url}{path}", json=dict(body or {}))
            answer.raise_for_status()
            return dict(answer.json())

    def status(self) -> dict[str, Any]:
        """/v3/maintenance/status. Raises httpx.HTTPError."""
        return self.ask("/v3/maintenance/status")

    def healthy(self) -> bool:
        """Whether it says so at /health: it has a leader, can read by quorum, and no alarm."""
        try:
            with self._client() as client:
                answer = client.get(f"{self.client_url}/health")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200 and answer.json()["health"] == "true"

    def leader_id(self) -> str:
        """Whom it takes for the leader (hex); "" when it knows none, or does not answer."""
        try:
            number = int(self.status().get("leader", "0"))
        except httpx.HTTPError:
            return ""
        return f"{number:x}" if number else ""

    def log(self) -> str:
        """The end of what it wrote."""
        written = self._log_file.read_text(errors="replace") if self._log_file.exists() else ""
        return f"{self.name}: ...{written[-3000:]}"

    # ---- inside

    @property
    def _log_file(self) -> Path:
        return self.data_dir.with_suffix(".log")

    def _asked_id(self) -> str:
        try:
            number = int(self.status()["header"]["member_id"])
        except httpx.HTTPError:
            return ""
        return f"{number:x}"

    def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
            if number is not signal.SIGKILL:
                process.send_signal(signal.SIGCONT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self._forget()
                raise
        self._forget()

    def _forget(self) -> None:
        if self._process is not None:
            self._keeper.ended(self._process.pid)
            self._process, self._paused = None, False

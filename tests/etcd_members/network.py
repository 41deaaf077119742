"""The network between members: a TCP proxy in front of each, which cuts off who it is told to.

Members advertise the address of their proxy. That alone does not say who connects, and both ways
have to be cut: of two members each dials the other, and either connection carries messages in both
directions. So the proxy asks the system which process a connection belongs to.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from tests.support.loopback import Listening

_BLOCK = 65_536


@dataclass(eq=False)
class _Link:
    """A connection through a proxy; ``source`` is "" where nobody known has it."""

    source: str
    target: str
    writers: list[asyncio.StreamWriter]

    def abort(self) -> None:
        for one in self.writers:
            one.transport.abort()

    async def close(self) -> None:
        self.abort()
        for one in self.writers:
            with suppress(OSError):
                await one.wait_closed()


class PeerNetwork(Listening):
    """Proxies on loopback until the end of the block. ``pids`` says which member is which process
    now."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        super().__init__()
        self._pids = pids
        self._isolated: set[str] = set()
        self._links: set[_Link] = set()

    def serve(self, name: str, port: int, target: int) -> None:
        """Pass what comes to ``port`` on to ``target``, where the member ``name`` listens."""
        self.listen(partial(self._pass_on, name, target), port)

    def isolate(self, name: str) -> None:
        """Break the member's connections to all others, and theirs to it, and let none come."""
        self.call(partial(self._isolate, name))

    def rejoin(self, name: str) -> None:
        """Let connections come again."""
        self.call(partial(self._isolated.discard, name))

    # ---- on the loop's thread

    def _isolate(self, name: str) -> None:
        self._isolated.add(name)
        for link in self._links:
            if self._cut(link):
                link.abort()

    def _cut(self, link: _Link) -> bool:
        # Whoever is nobody known might be the one that is cut off.
        return bool(self._isolated & {link.source, link.target}) or bool(
            self._isolated and not link.source
        )

    async def _pass_on(
        self,
        name: str,
        target: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        own, other = writer.get_extra_info("sockname")[1], writer.get_extra_info("peername")[1]
        link = _Link(_owner(other, own, self._pids()), name, [writer])
        self._links.add(link)
        try:
            if self._cut(link):
                return
            there, onward = await asyncio.open_connection("127.0.0.1", target)
            link.writers.append(onward)
            # It may have been cut off while the connection was made.
            if not self._cut(link):
                await asyncio.gather(_pump(reader, onward), _pump(there, writer))
        except OSError:
            pass  # the member is down
        finally:
            self._links.discard(link)
            await link.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass bytes on until one side ends; an error ends the other direction too."""
    while data := await reader.read(_BLOCK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


def _owner(port: int, to_port: int, pids: Mapping[str, int]) -> str:
    """Whose connection it is from ``port`` to ``to_port`` on loopback; "" when nobody's of these.

    proc(5): /proc/net/tcp has the ports of each socket and its inode, and /proc/PID/fd the inodes
    of a process's sockets.
    """
    inode = ""
    with open("/proc/net/tcp") as table:
        next(table)
        for line in table:
            fields = line.split()
            ports = [int(text.rpartition(":")[2], 16) for text in fields[1:3]]
            if ports == [port, to_port]:
                inode = fields[9]
                break
    for name, pid in pids.items():
        folder = f"/proc/{pid}/fd"
        with suppress(OSError):
            for descriptor in os.listdir(folder):
                with suppress(OSError):
                    if os.readlink(f"{folder}/{descriptor}") == f"socket:[{inode}]":
                        return name
    return ""

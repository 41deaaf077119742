"""Connections that can be cut: faults end them without an answer."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class Connections:
    """The open connections of one server, by the client's address and port."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[H11Protocol]:
        """uvicorn's HTTP protocol, which enters its connections here."""
        opened = self._open

        class Listed(H11Protocol):
            peer: Peer | None = None

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                name = transport.get_extra_info("peername")
                self.peer = (name[0], name[1])
                opened[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                if self.peer is not None:
                    opened.pop(self.peer, None)

        return Listed

    async def cut(self, peer: Peer, *, reset: bool) -> None:
        """Close a connection at once, with a TCP reset if so asked, and wait until it is gone."""
        transport = self._open.get(peer)
        if transport is None:
            return
        handle = transport.get_extra_info("socket")
        if reset and handle is not None:
            linger = struct.pack("ii", 1, 0)
            handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
        while peer in self._open:
            await asyncio.sleep(0)

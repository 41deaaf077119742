"""Ports for those who have to be told theirs before they listen."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

_OURS = Path("/proc/sys/net/ipv4/ip_local_port_range")
_USUALLY = 32_768
_ROOMY = 4096


def steady_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on, and that the system gives to nobody else.

    One out of the system's own range (ip(7), ip_local_port_range) might become somebody else's
    before it is listened on, or while whoever listens there is down: a server's that asks for any
    port, or the near end of a connection.
    """
    lowest = int(_OURS.read_text().split()[0]) if _OURS.exists() else _USUALLY
    # Where the system's own range leaves hardly any, whatever it gives.
    steady = range(lowest // 2, lowest) if lowest >= _ROOMY else range(1)
    with ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            taken = stack.enter_context(socket.socket())
            try:
                taken.bind(("127.0.0.1", random.choice(steady)))
            except OSError:
                continue
            ports.append(taken.getsockname()[1])
        return ports

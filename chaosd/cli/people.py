"""Who gives a command: it is written down with it."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping


def who(environ: Mapping[str, str] = os.environ) -> str:
    """``user@host``, or the pod's name inside a cluster."""
    host = environ.get("HOSTNAME") or socket.gethostname()
    if environ.get("KUBERNETES_SERVICE_HOST"):
        return f"pod {host}"
    try:
        user = environ.get("USER") or getpass.getuser()
    except (OSError, KeyError):
        user = "somebody"  # a user ID without a name
    return f"{user}@{host}"

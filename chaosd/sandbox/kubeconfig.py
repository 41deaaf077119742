"""A kubeconfig for the sandbox."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


def write_kubeconfig(
    path: Path, url: str, *, token: str | None = None, namespace: str = "default"
) -> Path:
    """Write a kubeconfig (JSON, which is YAML) that its owner alone may read; its path."""
    name = "chaosd-sandbox"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url}}],
        "users": [{"name": name, "user": {"token": token} if token else {}}],
        "contexts": [
            {"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}}
        ],
        "current-context": name,
    }
    text = msgspec.json.format(msgspec.json.encode(content), indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text + b"\n")
    return path

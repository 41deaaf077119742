"""Kubeconfigs with a token."""

from __future__ import annotations

import json
import os
from pathlib import Path


def write_kubeconfig(path: Path, url: str, *, token: str = "", ca: Path | None = None) -> Path:
    """Write a kubeconfig (JSON is YAML) that its owner alone may read; without a token: nobody's.

    ``ca`` is a file with the certificates to trust.
    """
    cluster = {"server": url, **({"certificate-authority": str(ca)} if ca else {})}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tested", "cluster": cluster}],
        "users": [{"name": "tester", "user": {"token": token} if token else {}}],
        "contexts": [{"name": "tested", "context": {"cluster": "tested", "user": "tester"}}],
        "current-context": "tested",
    }
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
    return path

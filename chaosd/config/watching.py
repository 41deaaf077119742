"""The configuration file as the engine sees it: read again when it changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from chaosd.config.environment import overrides
from chaosd.config.loading import load_content, read_file
from chaosd.config.problems import Problem
from chaosd.ports import Loaded


@dataclass(frozen=True, slots=True)
class _Seen:
    content: bytes | Problem
    loaded: Loaded


class FileSettings:
    """A configuration file that may change at any time; implements `chaosd.ports.Settings`.

    The path is resolved anew at each `load`, so it follows the way a ConfigMap volume changes:
    the kubelet renames a symlink (``..data``) to a new folder. The environment is taken once; a
    process never sees it change. `now` tells the time from which windows are looked ahead.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        environ: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = Path(path)
        self._environ = overrides(environ).given
        self._now = now
        self._seen: _Seen | None = None

    def load(self) -> Loaded:
        """Give what the file says now. While it is invalid, missing or unreadable, its problems
        stand beside the newest valid configuration. Unchanged content is not parsed again."""
        content = read_file(self._path)
        seen = self._seen
        if seen is not None and seen.content == content:
            return seen.loaded
        result = load_content(content, self._environ, self._now())
        valid = result.configuration or (seen.loaded.configuration if seen else None)
        loaded = Loaded(
            configuration=valid,
            problems=tuple(str(problem) for problem in result.problems),
            fingerprint=self._fingerprint(content),
        )
        # Replaced as a whole: a reader in another thread has the old state or the new one.
        self._seen = _Seen(content, loaded)
        return loaded

    def _fingerprint(self, content: bytes | Problem) -> str:
        digest = hashlib.sha256()
        for part in (
            content if isinstance(content, bytes) else str(content).encode(),
            repr(sorted(self._environ.items())).encode(),
        ):
            digest.update(len(part).to_bytes(8) + part)
        return digest.hexdigest()

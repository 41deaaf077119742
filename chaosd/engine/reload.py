"""Reloading: a bad configuration never stops a running daemon, but nothing new is struck."""

from __future__ import annotations

from datetime import datetime

from chaosd.engine.context import Context
from chaosd.ports import CallFailed, Loaded, Notice

LOOK_EVERY = 2.0


class Reload:
    """The actor that looks at the configuration file.

    ``about`` is the object that people look at, for Events: the pod, or the ledger.
    """

    def __init__(self, context: Context, about: Notice) -> None:
        self._context = context
        self._about = about
        self._untold: Notice | None = None

    def step(self) -> datetime:
        """Read the file if it changed; returns when to look again."""
        context = self._context
        before = context.loaded
        after = context.settings.load()
        context.loaded = after
        if after.fingerprint != before.fingerprint or after.problems != before.problems:
            self._note(after)
        if self._untold is not None:
            self._tell(self._untold)
        return context.after(LOOK_EVERY)

    def _note(self, loaded: Loaded) -> None:
        context = self._context
        if loaded.problems:
            context.report.noted(
                "the configuration is invalid: nothing new is struck",
                problems=list(loaded.problems),
            )
            message = f"nothing is struck until it is valid: {'; '.join(loaded.problems)}"
            self._untold = self._notice("ConfigurationInvalid", message[:1000], loaded, True)
            return
        context.report.noted("loaded the configuration", fingerprint=loaded.fingerprint[:12])
        self._untold = self._notice("ConfigurationLoaded", "it is valid", loaded, False)

    def _notice(self, reason: str, message: str, loaded: Loaded, warning: bool) -> Notice:
        at = self._context.clock.now()
        about = self._about
        return Notice(
            name=f"chaosd-configuration-{loaded.fingerprint[:12]}-{int(at.timestamp())}",
            kind=about.kind,
            namespace=about.namespace,
            object_name=about.object_name,
            uid=about.uid,
            api_version=about.api_version,
            reason=reason,
            message=f"chaosd's configuration: {message}",
            at=at,
            warning=warning,
        )

    def _tell(self, notice: Notice) -> None:
        try:
            self._context.events.make(notice)
            self._untold = None
        except CallFailed as error:
            self._context.report.failed("make an Event about the configuration", error)

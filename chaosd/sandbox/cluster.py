"""The store: objects by kind, namespace and name, with one revision counter and its history."""

from __future__ import annotations

import random
import threading
import uuid
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from chaosd.sandbox.objects import Json, Key, key_of, stamp, thaw
from chaosd.sandbox.resources import Resources

NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"
"""Letters of generated name suffixes (apimachinery's: no vowels, so no words)."""


class HistoryGoneError(Exception):
    """The asked revision is older than the history that is kept (HTTP 410)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write. `old` is None for a creation, `new` for a removal."""

    revision: int
    at: datetime
    resource: str
    key: Key
    old: Json | None
    new: Json | None


class Cluster:
    """All objects of a cluster, as an etcd keeps them.

    `now` tells aware UTC time; `seed` decides uids, name suffixes and delays, so that the same
    calls on the same clock give the same cluster. Objects go in and come out as dicts without
    `apiVersion` and `kind`, and must not be changed in place (`thaw` or `edit` copy them).
    Every method may be called from any thread; hold `lock` to make several calls one.

    History is kept for `history_age` and at most `history_size` writes; older revisions are
    "compacted", as an API server's etcd does every five minutes.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        seed: int | str = 0,
        *,
        history_age: timedelta = timedelta(minutes=5),
        history_size: int = 100_000,
    ) -> None:
        self.seed = seed
        self.rng = random.Random(f"sandbox/{seed}")
        self.resources = Resources()
        self.lock = threading.RLock()
        self.history_age = history_age
        self._clock = now
        self._shift = timedelta(0)
        self._revision = 1
        self._compacted = 0
        self._history: deque[Change] = deque()
        self._history_size = history_size
        self._objects: dict[str, dict[Key, Json]] = {}
        self._sorted: dict[str, list[Key]] = {}
        self._dependents: dict[str, dict[tuple[str, Key], None]] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._past: tuple[str, int, dict[Key, Json], list[Key]] | None = None

    # --- time and chance

    def now(self) -> datetime:
        """The cluster's time."""
        return self._clock() - self._shift

    @contextmanager
    def backdated(self, by: timedelta) -> Iterator[None]:
        """Within this block the cluster's time is `by` earlier: builds objects that have an age."""
        with self.lock:
            self._shift += by
            try:
                yield
            finally:
                self._shift -= by

    def new_uid(self) -> str:
        """A random UID from the seeded generator."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def suffix(self, length: int = 5) -> str:
        """A random suffix as `generateName` adds it."""
        return "".join(self.rng.choices(NAME_ALPHABET, k=length))

    # --- reading

    @property
    def revision(self) -> int:
        """The revision of the last write."""
        return self._revision

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        """One object, or None. Cluster-scoped kinds have the namespace ""."""
        return self._objects.get(resource, {}).get((namespace, name))

    def all(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Every object of a kind, or of one namespace, in the order of namespace and name."""
        with self.lock:
            items = self._objects.get(resource, {})
            return [items[key] for key in within(self.keys(resource), namespace)]

    def keys(self, resource: str) -> list[Key]:
        """Every key of a kind, sorted. Not to be changed."""
        with self.lock:
            keys = self._sorted.get(resource)
            if keys is None:
                keys = sorted(self._objects.get(resource, {}))
                self._sorted[resource] = keys
            return keys

    def dependents(self, uid: str) -> list[tuple[str, Json]]:
        """(resource, object) of everything whose owner references name that UID."""
        with self.lock:
            found = self._dependents.get(uid, {})
            return [(resource, self._objects[resource][key]) for resource, key in sorted(found)]

    def dependents_of(self, uid: str, resource: str) -> list[Json]:
        """The objects of one kind whose owner references name that UID, by name."""
        return [item for kind, item in self.dependents(uid) if kind == resource]

    # --- writing

    def add(self, resource: str, item: Json) -> Json:
        """Store a new object, filling in uid, creationTimestamp and resourceVersion.

        Raises KeyError when the key is taken.
        """
        with self.lock:
            key = key_of(item)
            if key in self._objects.get(resource, {}):
                raise KeyError(f"{resource} {key} exists")
            meta = dict(item["metadata"])
            meta.setdefault("uid", self.new_uid())
            meta.setdefault("creationTimestamp", stamp(self.now()))
            return self._write(resource, key, None, {**item, "metadata": meta})

    def put(self, resource: str, item: Json) -> Json:
        """Replace a stored object; one that is the same already keeps its resourceVersion.

        Raises KeyError when there is no such object.
        """
        with self.lock:
            key = key_of(item)
            old = self._objects[resource][key]
            meta = {**item["metadata"], "resourceVersion": old["metadata"]["resourceVersion"]}
            item = {**item, "metadata": meta}
            if item == old:
                return old
            return self._write(resource, key, old, item)

    @contextmanager
    def edit(self, resource: str, namespace: str, name: str) -> Iterator[Json]:
        """A copy to change in place, stored when the block ends without an exception."""
        with self.lock:
            copy = thaw(self._objects[resource][namespace, name])
            yield copy
            self.put(resource, copy)

    def remove(self, resource: str, namespace: str, name: str) -> Json:
        """Take an object away at once and return it. Raises KeyError when there is none."""
        with self.lock:
            key = (namespace, name)
            old = self._objects[resource].pop(key)
            self._sorted.pop(resource, None)
            self._index(resource, key, old, None)
            self._record(resource, key, old, None)
            return old

    def _write(self, resource: str, key: Key, old: Json | None, new: Json) -> Json:
        new["metadata"]["resourceVersion"] = str(self._revision + 1)
        self._objects.setdefault(resource, {})[key] = new
        if old is None:
            self._sorted.pop(resource, None)
        self._index(resource, key, old, new)
        self._record(resource, key, old, new)
        return new

    def _index(self, resource: str, key: Key, old: Json | None, new: Json | None) -> None:
        before = _owners(old)
        after = _owners(new)
        for uid in before - after:
            held = self._dependents[uid]
            held.pop((resource, key), None)
            if not held:
                del self._dependents[uid]
        for uid in after - before:
            self._dependents.setdefault(uid, {})[resource, key] = None

    def _record(self, resource: str, key: Key, old: Json | None, new: Json | None) -> None:
        self._revision += 1
        change = Change(self._revision, self.now(), resource, key, old, new)
        self._history.append(change)
        self._compact()
        for listener in self._listeners:
            listener(change)

    # --- history

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call `listener` (under the lock) with each change; the answer unsubscribes."""
        with self.lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self.lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def changes(self, after: int) -> list[Change]:
        """Every kept change after a revision. Raises HistoryGoneError when some are gone."""
        with self.lock:
            self._compact()
            if after < self._compacted:
                raise HistoryGoneError(f"{after} ({self._compacted})")
            found = []
            for change in reversed(self._history):
                if change.revision <= after:
                    break
                found.append(change)
            return found[::-1]

    def at(self, resource: str, revision: int) -> tuple[Mapping[Key, Json], list[Key]]:
        """The objects of a kind, and their sorted keys, as they were at a revision.

        Raises HistoryGoneError when that revision has been compacted.
        """
        with self.lock:
            undo = [change for change in self.changes(revision) if change.resource == resource]
            if not undo:
                return self._objects.get(resource, {}), self.keys(resource)
            if self._past is not None and self._past[:2] == (resource, revision):
                return self._past[2], self._past[3]
            items = dict(self._objects.get(resource, {}))
            for change in reversed(undo):
                if change.old is None:
                    del items[change.key]
                else:
                    items[change.key] = change.old
            self._past = (resource, revision, items, sorted(items))
            return items, self._past[3]

    def revision_at(self, when: datetime) -> int:
        """The last revision written at or before `when`, or the oldest one still kept."""
        with self.lock:
            revision = self._revision
            for change in reversed(self._history):
                if change.at <= when:
                    break
                revision = change.revision - 1
            return max(revision, self._compacted)

    def compact(self) -> None:
        """Forget all history now: older watches, pages and exact lists get 410 from here on."""
        with self.lock:
            self._history.clear()
            self._compacted = self._revision

    def _compact(self) -> None:
        horizon = self.now() - self.history_age
        while self._history and (
            len(self._history) > self._history_size or self._history[0].at < horizon
        ):
            self._compacted = self._history.popleft().revision


def within(keys: list[Key], namespace: str | None) -> list[Key]:
    """The part of sorted keys that lies in a namespace (None: all of them)."""
    if namespace is None:
        return keys
    start = bisect_left(keys, (namespace, ""))
    return keys[start : bisect_left(keys, (namespace + "\0", ""), start)]


def _owners(item: Json | None) -> set[str]:
    if item is None:
        return set()
    return {owner["uid"] for owner in item["metadata"].get("ownerReferences") or ()}

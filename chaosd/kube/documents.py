"""Objects that are changed by compare-and-swap: the ledger's ConfigMap and the Lease.

Swaps are merge patches that carry the UID and resourceVersion that were seen, so the API server
refuses them when the object is another by then, and what others wrote into it (keys, labels,
annotations) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec

from chaosd.kube.api import Api
from chaosd.kube.records import ObjectMeta, Record
from chaosd.kube.resources import CONFIG_MAPS, LEASES, Resource
from chaosd.ports import Conflict, Document, Invalid, NotFound

LEDGER_NAME = "chaosd-ledger"
LEDGER_KEY = "ledger.json"
LEASE_NAME = "chaosd"
TIMEOUT = 5.0
_UID = "metadata.uid: "
_LABELS = {"app.kubernetes.io/name": "chaosd", "app.kubernetes.io/managed-by": "chaosd"}


class _ConfigMap(Record, frozen=True, gc=False):
    metadata: ObjectMeta
    data: dict[str, str] | None = None


class _Lease(Record, frozen=True, gc=False):
    metadata: ObjectMeta
    spec: dict[str, Any] | None = None


T = TypeVar("T", _ConfigMap, _Lease)


class _Versioned(Generic[T]):
    """What both documents share; a kind says how text lies in its object."""

    resource: Resource
    record: type[T]

    def __init__(self, api: Api, namespace: str, name: str, timeout: float) -> None:
        self._api = api
        self._namespace = namespace
        self._name = name
        self._timeout = timeout

    def read(self) -> Document | None:
        """The object as it is now; None when it does not exist."""
        try:
            found = self._api.get(
                self.resource, self._namespace, self._name, self.record, timeout=self._timeout
            )
        except NotFound:
            return None
        return self._document(found)

    def create(self, text: str, annotations: Mapping[str, str]) -> Document:
        """Make the object; raises Conflict when it exists."""
        body = {
            "apiVersion": self.resource.api_version,
            "kind": self.resource.kind,
            "metadata": {
                "name": self._name,
                "namespace": self._namespace,
                "labels": _LABELS,
                "annotations": dict(annotations),
            },
            **self._content(text, ""),
        }
        made = self._api.create(
            self.resource, self._namespace, body, self.record, timeout=self._timeout
        )
        return self._document(made)

    def swap(
        self, seen: Document, text: str, annotations: Mapping[str, str | None] | None = None
    ) -> Document:
        """Replace the text if the object is still exactly ``seen``, gone or not: else Conflict."""
        metadata: dict[str, Any] = {"uid": seen.uid, "resourceVersion": seen.version}
        if annotations:
            metadata["annotations"] = dict(annotations)
        body = {"metadata": metadata, **self._content(text, seen.text)}
        try:
            changed = self._api.patch(
                self.resource,
                self._namespace,
                self._name,
                body,
                self.record,
                timeout=self._timeout,
            )
        except NotFound as error:
            raise Conflict(error.status, error.reason, error.message) from error
        except Invalid as error:
            # To a patch the UID is a field that can't be changed: 422 when only it differs.
            if not any(_UID in cause for cause in error.causes):
                raise
            raise Conflict(error.status, error.reason, error.message) from error
        return self._document(changed)

    def _document(self, item: T) -> Document:
        meta = item.metadata
        return Document(self._text(item), meta.resource_version, meta.uid, meta.annotations or {})

    def _content(self, text: str, before: str) -> dict[str, Any]:
        raise NotImplementedError

    def _text(self, item: T) -> str:
        raise NotImplementedError


class LedgerDocument(_Versioned[_ConfigMap]):
    """The ledger (a :class:`chaosd.ports.Versioned`): one key of a ConfigMap.

    A ConfigMap without that key has the text "".
    """

    resource = CONFIG_MAPS
    record = _ConfigMap

    def __init__(
        self, api: Api, namespace: str, name: str = LEDGER_NAME, timeout: float = TIMEOUT
    ) -> None:
        super().__init__(api, namespace, name, timeout)

    def _content(self, text: str, _before: str) -> dict[str, Any]:
        return {"data": {LEDGER_KEY: text}}

    def _text(self, item: _ConfigMap) -> str:
        return (item.data or {}).get(LEDGER_KEY, "")


class LeaseDocument(_Versioned[_Lease]):
    """The lease (a :class:`chaosd.ports.Versioned`): its text is the JSON of a Lease's spec."""

    resource = LEASES
    record = _Lease

    def __init__(
        self, api: Api, namespace: str, name: str = LEASE_NAME, timeout: float = TIMEOUT
    ) -> None:
        super().__init__(api, namespace, name, timeout)

    def _content(self, text: str, before: str) -> dict[str, Any]:
        spec: dict[str, Any] = msgspec.json.decode(text, type=dict[str, Any])
        old: dict[str, Any] = msgspec.json.decode(before or "{}", type=dict[str, Any])
        # A merge patch removes only what it names with null.
        return {"spec": {**dict.fromkeys(old), **spec}}

    def _text(self, item: _Lease) -> str:
        return msgspec.json.encode(item.spec or {}).decode()

"""The table of kinds that the sandbox serves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

VERBS = (
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
)


@dataclass(frozen=True, slots=True)
class Resource:
    """One served kind. `plural` is its name in URLs."""

    group: str
    version: str
    plural: str
    kind: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    status: bool = True
    """Whether it has a status subresource (and so a generation, unless `generation` says no)."""
    generation: bool = True
    scale: bool = False
    custom: bool = False
    """Served as a custom resource: no strategic merge patch, items in lists name their kind."""
    create_on_update: bool = False
    """Whether a PUT makes an object that is not there."""
    returns_deleted: bool = False
    """Whether a DELETE that takes effect at once answers with the object instead of a Status."""

    @property
    def id(self) -> str:
        """The key of this resource in the cluster: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def singular(self) -> str:
        """The singular name that discovery tells."""
        return self.kind.lower()

    @property
    def root(self) -> str:
        """The path below which its group version is served, without a slash at the end."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


BUILTIN: tuple[Resource, ...] = (
    Resource("", "v1", "configmaps", "ConfigMap", ("cm",), status=False),
    Resource("", "v1", "events", "Event", ("ev",), status=False, create_on_update=True),
    Resource("", "v1", "namespaces", "Namespace", ("ns",), namespaced=False, generation=False),
    Resource("", "v1", "nodes", "Node", ("no",), namespaced=False, generation=False),
    Resource(
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        ("pvc",),
        generation=False,
        returns_deleted=True,
    ),
    Resource(
        "",
        "v1",
        "persistentvolumes",
        "PersistentVolume",
        ("pv",),
        namespaced=False,
        generation=False,
        returns_deleted=True,
    ),
    Resource("", "v1", "pods", "Pod", ("po",), returns_deleted=True),
    Resource("apps", "v1", "daemonsets", "DaemonSet", ("ds",)),
    Resource("apps", "v1", "deployments", "Deployment", ("deploy",), scale=True),
    Resource("apps", "v1", "replicasets", "ReplicaSet", ("rs",), scale=True),
    Resource("apps", "v1", "statefulsets", "StatefulSet", ("sts",), scale=True),
    Resource("batch", "v1", "cronjobs", "CronJob", ("cj",)),
    Resource("batch", "v1", "jobs", "Job"),
    Resource("coordination.k8s.io", "v1", "leases", "Lease", status=False, create_on_update=True),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", status=False),
    Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", ("pdb",)),
)


class Resources:
    """The kinds that one cluster serves; `add` registers custom ones."""

    def __init__(self, builtin: Iterable[Resource] = BUILTIN) -> None:
        self._by_path: dict[tuple[str, str, str], Resource] = {}
        self._by_id: dict[str, Resource] = {}
        self._by_kind: dict[tuple[str, str], Resource] = {}
        for resource in builtin:
            self.add(resource)

    def add(self, resource: Resource) -> Resource:
        """Serve one more kind. Raises ValueError when that name is taken."""
        if resource.id in self._by_id:
            raise ValueError(f"{resource.id} is served already")
        self._by_path[resource.group, resource.version, resource.plural] = resource
        self._by_id[resource.id] = resource
        self._by_kind[resource.api_version, resource.kind] = resource
        return resource

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._by_id.values())

    def __getitem__(self, resource_id: str) -> Resource:
        return self._by_id[resource_id]

    def at(self, group: str, version: str, plural: str) -> Resource | None:
        """The resource that a URL names."""
        return self._by_path.get((group, version, plural))

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The resource that an owner reference or a manifest names."""
        return self._by_kind.get((api_version, kind))

    def group_versions(self) -> list[tuple[str, str]]:
        """The groups and their versions in the order of the table, the core group as ""."""
        return list(dict.fromkeys((item.group, item.version) for item in self))

"""The values of the Helm chart in deploy/chart: their types, defaults and meaning.

`values.schema.json` of the chart is generated from here; a test holds `values.yaml` to it. What is
passed on to Kubernetes as it is (tolerations and the like) is only checked for its outer type.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from chaosd.config.groups import Group
from chaosd.config.reference import schema_of
from chaosd.config.settings import Settings

Json = dict[str, Any]
Strings = dict[str, str]
Port = Annotated[int, Field(ge=1, le=65535)]
# At most 58 characters: with "etcd-" before it, it is the name of a volume, a DNS label.
SecretName = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,56}[a-z0-9])?$"}),
]
Replicas = Annotated[int, WithJsonSchema({"type": "integer", "enum": [1, 2]})]


class PullPolicy(StrEnum):
    """When the kubelet pulls the image."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


class ImageValues(Group):
    """The image, built from the Dockerfile of the repository."""

    repository: str = Field(
        default="", description="Where your registry has it, without a tag. Must be set."
    )
    tag: str = Field(default="", description="Empty: the chart's appVersion.")
    digest: Annotated[
        str, WithJsonSchema({"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"})
    ] = Field(default="", description="`sha256:...`: exactly this image, whatever the tag says.")
    pull_policy: PullPolicy = Field(
        default=PullPolicy.IF_NOT_PRESENT, description="When the kubelet pulls it."
    )


class HttpValues(Group):
    """Where metrics, health and the status are served."""

    host: str = Field(
        default="0.0.0.0",  # noqa: S104 - a pod serves its cluster
        description="`::` in a cluster that has only IPv6.",
    )
    port: Port = Field(default=8080, description="The port of the pod and of the Service.")


class ServiceAccountValues(Group):
    """The ServiceAccount that chaosd signs in with."""

    create: bool = Field(default=True, description="`false`: `name` is there already.")
    name: str = Field(default="", description="Empty: the name of the release.")
    annotations: Strings = Field(
        default={}, description="Such as a cloud identity: `eks.amazonaws.com/role-arn`."
    )


class RbacValues(Group):
    """Roles and their bindings, with exactly what `config` needs."""

    create: bool = Field(
        default=True, description="`false`: somebody else grants what `chaosd check` asks for."
    )


class ServiceValues(Group):
    """A Service in front of the pods."""

    enabled: bool = Field(default=True, description="Not needed by a PodMonitor.")
    annotations: Strings = Field(default={}, description="Annotations of the Service.")


class MonitorValues(Group):
    """A monitor for the Prometheus operator."""

    enabled: bool = Field(default=False, description="Needs the CRDs of the operator.")
    interval: str = Field(default="30s", description="How often metrics are read.")
    labels: Strings = Field(
        default={}, description="What your Prometheus selects monitors by, like `release: prom`."
    )


class PrometheusRuleValues(Group):
    """Alerts for the Prometheus operator (docs/monitoring.md)."""

    enabled: bool = Field(default=False, description="Needs the CRDs of the operator.")
    labels: Strings = Field(
        default={}, description="What your Prometheus selects rules by, like `release: prom`."
    )
    runbook_url: str = Field(
        default="",
        description="Where your people read docs/runbooks, without the file. Empty: that path.",
    )


class DashboardValues(Group):
    """A ConfigMap with the Grafana dashboard, for the sidecar that loads dashboards."""

    enabled: bool = Field(default=False, description="Needs that sidecar, or something like it.")
    labels: Strings = Field(
        default={"grafana_dashboard": "1"}, description="What the sidecar looks for."
    )
    annotations: Strings = Field(
        default={}, description="Such as a folder, if the sidecar reads one: `grafana_folder`."
    )


class NetworkPolicyValues(Group):
    """Lets in who reads metrics, and out to the API server, DNS and declared etcd alone."""

    enabled: bool = Field(default=False, description="Has an effect if the network enforces it.")
    ingress_from: list[Json] = Field(
        default=[], description="Who may reach the port: NetworkPolicyPeers. Empty: everybody."
    )
    api_server_ports: list[Port] = Field(
        default=[443, 6443],
        description="Ports of the API server, as the Service and as the hosts have it.",
    )
    extra_egress: list[Json] = Field(default=[], description="More NetworkPolicyEgressRules.")


class ChartValues(Group):
    """Values of the chart."""

    image: ImageValues = Field(default=ImageValues())
    image_pull_secrets: list[Json] = Field(
        default=[], description="Secrets for the registry: `[{name: registry}]`."
    )
    replicas: Replicas = Field(
        default=1, description="2: a standby takes over when the leader is gone."
    )
    config: Settings = Field(
        description="The configuration, key by key as in docs/configuration.md.",
    )
    config_file: str = Field(
        default="",
        description="The text of a whole configuration file instead: `--set-file configFile=...`.",
    )
    etcd_secrets: list[SecretName] = Field(
        default=[],
        description=(
            "Secrets with TLS files, passwords and tokens for etcd and its backups, each mounted at"
            " `/etc/chaosd/etcd/NAME`."
        ),
    )
    http: HttpValues = Field(default=HttpValues())
    service_account: ServiceAccountValues = Field(default=ServiceAccountValues())
    rbac: RbacValues = Field(default=RbacValues())
    undo_on_delete: bool = Field(
        default=True,
        description="Before `helm uninstall` put back the nodes that chaosd has out of service.",
    )
    service: ServiceValues = Field(default=ServiceValues())
    pod_monitor: MonitorValues = Field(
        default=MonitorValues(), description="A PodMonitor for the Prometheus operator."
    )
    service_monitor: MonitorValues = Field(
        default=MonitorValues(), description="A ServiceMonitor instead; needs the Service."
    )
    prometheus_rule: PrometheusRuleValues = Field(default=PrometheusRuleValues())
    dashboard: DashboardValues = Field(default=DashboardValues())
    network_policy: NetworkPolicyValues = Field(default=NetworkPolicyValues())
    resources: Json = Field(
        default={
            "requests": {"cpu": "20m", "memory": "128Mi"},
            "limits": {"memory": "256Mi"},
        },
        description="No CPU limit: a throttled leader renews its lease late.",
    )
    run_as_user: Annotated[int, Field(ge=1)] | None = Field(
        default=65532, description="User and group. `null` where the platform assigns them."
    )
    priority_class_name: str = Field(default="", description="A PriorityClass that exists.")
    topology_spread_constraints: list[Json] = Field(
        default=[], description="Empty: replicas on different nodes where that is possible."
    )
    node_selector: Strings = Field(default={}, description="Labels of nodes it may run on.")
    tolerations: list[Json] = Field(default=[], description="Taints it may run on.")
    affinity: Json = Field(default={}, description="Where it likes to run.")
    pod_annotations: Strings = Field(default={}, description="Annotations of the pods.")
    pod_labels: Strings = Field(default={}, description="More labels of the pods.")
    extra_env: list[Json] = Field(
        default=[],
        description="More environment variables. `CHAOSD_*` override `config`, but add no rights.",
    )
    extra_volumes: list[Json] = Field(
        default=[], description="More volumes, such as a folder with backups."
    )
    extra_volume_mounts: list[Json] = Field(default=[], description="Where they are mounted.")
    fullname_override: str = Field(
        default="", description="The name of all objects. Empty: the name of the release."
    )
    global_: Json = Field(
        default={}, alias="global", description="Helm gives it to charts that others depend on."
    )
    enabled: bool = Field(
        default=True, description="For the `condition` of charts that depend on this one."
    )


def values_schema() -> Json:
    """The JSON schema (draft 2020-12) of the chart's values, with that of the configuration."""
    return schema_of(ChartValues, "Values of the chaosd chart")

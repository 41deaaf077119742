"""The keys of a declared etcd cluster."""

from __future__ import annotations

from enum import StrEnum

from pydantic import ConfigDict, Field

from chaosd.config.groups import Group, one_of
from chaosd.config.values import (
    ApiUrl,
    Duration,
    Endpoint,
    FilePath,
    Filled,
    Labels,
    Namespace,
    PolicyName,
    Port,
    SecretFile,
    ServerName,
)


class Scheme(StrEnum):
    """How members are asked."""

    HTTPS = "https"
    HTTP = "http"


class EtcdPodsSettings(Group):
    """Members that are pods of this Kubernetes cluster: each is asked at its IP."""

    namespace: Namespace = Field(
        description="Where they are. A `Role` there lets chaosd read them.", examples=["etcd"]
    )
    labels: Labels = Field(
        description="All pods of one cluster, and no others.",
        examples=["app.kubernetes.io/name=etcd"],
    )
    port: Port = Field(default=2379, description="Where they serve clients.")
    scheme: Scheme = Field(
        default=Scheme.HTTPS, description="`http` is for members that serve clients without TLS."
    )


class EtcdTlsSettings(Group):
    """PEM files in chaosd's container, read again whenever they change."""

    model_config = ConfigDict(
        json_schema_extra={"dependentRequired": {"cert": ["key"], "key": ["cert"]}}
    )

    ca: FilePath = Field(
        default="", description="Who signed the members' certificates. Empty: the system's CAs."
    )
    cert: FilePath = Field(
        default="", description="A client certificate. Empty: none is shown. Needs `key`."
    )
    key: FilePath = Field(default="", description="Its private key. Needs `cert`.")
    server_name: ServerName = Field(
        default="",
        description="What the members' certificates must be for. Empty: the host that is asked.",
    )


class EtcdAuthSettings(Group):
    """Who is signed in where etcd's own authentication is on: a user with the role `root`."""

    username: Filled = Field(description="The user.", examples=["root"])
    password_file: SecretFile = Field(
        description=(
            "A file in chaosd's container with the password and nothing else, read again whenever"
            " somebody signs in."
        ),
        examples=["/etc/chaosd/etcd/etcd-root/password"],
    )


class EtcdBackupTlsSettings(Group):
    """Whom Prometheus is trusted by."""

    ca: FilePath = Field(
        default="",
        description="PEM: who signed its certificate. Empty: the system's CAs.",
    )


class EtcdBackupSettings(Group):
    """The newest backup must be young enough: exactly one of `prometheus` with `query`, and `file`.

    No answer, or one that makes no sense, counts as too old.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["prometheus", "query"]}, {"required": ["file"]}]}
    )

    max_age: Duration = Field(description="How old it may be.", examples=["24h"])
    prometheus: ApiUrl | None = Field(
        default=None,
        description="Where Prometheus is, such as `http://prometheus.monitoring:9090`.",
    )
    query: Filled | None = Field(
        default=None,
        description=(
            "What answers with one value, the backup's age in seconds, such as"
            " `time() - max(etcd_backup_last_success_timestamp)`."
        ),
    )
    tls: EtcdBackupTlsSettings | None = Field(
        default=None, description="With `prometheus` at `https`."
    )
    bearer_token_file: SecretFile | None = Field(
        default=None,
        description=(
            "With `prometheus`: a file with the token that it is shown, read again for each query."
            " Not written: none is shown."
        ),
    )
    file: FilePath | None = Field(
        default=None,
        description="A file, or a folder whose newest file counts, by its modification time.",
    )


class EtcdSettings(Group):
    """An etcd cluster whose quorum no policy may break: exactly one of `endpoints` and `pods`."""

    model_config = ConfigDict(json_schema_extra=one_of("endpoints", "pods"))

    name: PolicyName = Field(
        description="A name of its own: in policies, metrics, logs.", examples=["main"]
    )
    endpoints: list[Endpoint] = Field(
        default=[],
        description="The client URLs of its members, such as `https://10.0.0.1:2379`.",
    )
    pods: EtcdPodsSettings | None = Field(
        default=None, description="Its members are pods of this Kubernetes cluster."
    )
    tls: EtcdTlsSettings | None = Field(
        default=None, description="With `https`. Not written: the system's CAs, no certificate."
    )
    auth: EtcdAuthSettings | None = Field(
        default=None, description="Not written: nobody is signed in."
    )
    backup: EtcdBackupSettings | None = Field(
        default=None,
        description="No member is struck while the newest backup is too old. Not written: no gate.",
    )
    snapshot_check: Duration | None = Field(
        default=None,
        description=(
            "How often a whole snapshot is read from a member and its hash checked (nothing is"
            " kept); no member is struck when the last good check is older. At least `1m`. Not"
            " written: never."
        ),
    )

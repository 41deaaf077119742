"""The keys of a configuration: their types, defaults and meaning.

These models are the one source of the JSON schema, the reference and the environment variables.
They judge each value by itself; what values mean together is judged in `checks`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from chaosd.config.annotations import group_of, is_list
from chaosd.config.etcd import EtcdSettings
from chaosd.config.groups import HelperSettings, LimitsSettings, OptInSettings, WindowsSettings
from chaosd.config.policies import PolicySettings
from chaosd.config.values import Duration, Filled, Flag, Namespace, Text, Zone


@dataclass(slots=True)
class Layers:
    """Where values come from: overrides win over the file. ``merged`` is set while they are read.

    All are plain values under the keys of the file.
    """

    document: dict[str, Any]
    overrides: dict[str, Any] = field(default_factory=dict)
    merged: dict[str, Any] = field(default_factory=dict)


class Settings(BaseSettings):
    """A whole configuration file."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, validate_default=False
    )

    dry_run: Flag = Field(
        default=True,
        description=(
            "Decide, log and count everything, change nothing in the cluster. `false` is live."
        ),
    )
    timezone: Zone = Field(
        default="UTC", description="The zone of every local time below, like `Europe/Berlin`."
    )
    cluster: Text = Field(default="", description="What metrics and messages call this cluster.")
    seed: Filled | None = Field(
        default=None,
        description=(
            "Any text: the same seed gives the same schedule and the same draws. Not written: the"
            " UID of the namespace `kube-system`."
        ),
    )
    namespaces: list[Namespace] | None = Field(
        default=None,
        description=(
            "Namespaced mode: nothing outside these namespaces is read, so `seed` must be set, and"
            " nodes can be neither targets nor selected. Not written: the whole cluster."
        ),
    )
    opt_in: OptInSettings = Field(default=OptInSettings(), description="How things opt in.")
    survey_every: Duration = Field(
        default=timedelta(minutes=5),
        description="How often workloads are read for schedules of single workloads.",
    )
    halted: Flag = Field(
        default=False, description="A halt that lives in the configuration: nothing new is struck."
    )
    windows: WindowsSettings = Field(
        default=WindowsSettings(), description="When something may start."
    )
    limits: LimitsSettings = Field(
        default=LimitsSettings(), description="How much may be struck, over all policies."
    )
    helper: HelperSettings | None = Field(
        default=None, description="Allows the helper pod that `crash` and `reboot` need."
    )
    etcd: list[EtcdSettings] = Field(
        default=[],
        description=(
            "Declared etcd clusters: whatever a policy strikes, they keep their quorum. Only what"
            " is declared here can be a policy's target."
        ),
    )
    policies: list[PolicySettings] = Field(
        description="What is taken down. An empty list: nothing.", examples=[[]]
    )

    @classmethod
    def of(cls, layers: Layers) -> Settings:
        """Validate `layers`.

        Raises:
            pydantic.ValidationError: with every value that can't be read.
        """
        values: dict[str, Any] = {"layers": layers}
        return cls(**values)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take values from the layers that the constructor was given, and from nowhere else."""
        del env_settings, dotenv_settings, file_secret_settings
        if not isinstance(init_settings, InitSettingsSource):
            raise TypeError("expected the values given to the constructor")
        layers = init_settings.init_kwargs["layers"]
        return (
            _Layer(settings_cls, layers.overrides),
            _Layer(settings_cls, layers.document),
            _Merged(settings_cls, layers),
        )


def groups() -> Iterator[tuple[str, type[BaseModel]]]:
    """The path of every group of keys in a configuration, like ``policies[].select``.

    A group that stands in several places is given once, at the first.
    """
    seen: set[type[BaseModel]] = set()

    def walk(model: type[BaseModel], above: str) -> Iterator[tuple[str, type[BaseModel]]]:
        for name, info in model.model_fields.items():
            group = group_of(info.annotation)
            if group is None or group in seen:
                continue
            seen.add(group)
            path = f"{above}{info.alias or name}" + ("[]" if is_list(info.annotation) else "")
            yield path, group
            yield from walk(group, f"{path}.")

    return walk(Settings, "")


class _Layer(PydanticBaseSettingsSource):
    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Part of the interface; `__call__` gives all values at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        return self._values


class _Merged(_Layer):
    """Comes last, and keeps what the layers before it add up to."""

    def __init__(self, settings_cls: type[BaseSettings], layers: Layers) -> None:
        super().__init__(settings_cls, {})
        self._layers = layers

    def __call__(self) -> dict[str, Any]:
        self._layers.merged = self.current_state
        return {}

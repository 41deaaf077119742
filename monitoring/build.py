"""Panels in the style of this dashboard, over the builders of grafana-foundation-sdk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    heatmap,
    prometheus,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
GREEN, RED, ORANGE, BLUE, GREY = "green", "red", "orange", "blue", "#8e8e8e"
STEP = "1m"
"""No step is shorter: scrapes are 30 s apart."""

Words = Mapping[int, tuple[str, str]]
"""What a value is called, and its colour."""


class Row(NamedTuple):
    """A row of the dashboard: its title, and its panels from left to right, each 24 columns a new
    line."""

    title: str
    panels: tuple[Builder[Panel], ...]


class Common(Protocol):
    """What the builders of all kinds of panels have."""

    def title(self, title: str, /) -> Self: ...
    def description(self, description: str, /) -> Self: ...
    def datasource(self, datasource: DataSourceRef, /) -> Self: ...
    def span(self, w: int, /) -> Self: ...
    def height(self, h: int, /) -> Self: ...
    def interval(self, interval: str, /) -> Self: ...
    def with_target(self, target: prometheus.Dataquery, /) -> Self: ...


P = TypeVar("P", bound=Common)


class Head(NamedTuple):
    """A panel's title, what it shows and what to do about it, and its size: the dashboard is 24
    columns wide."""

    title: str
    description: str
    width: int
    height: int = 8


class Ask(NamedTuple):
    """An expression and how its series are called (``{{label}}`` is filled in)."""

    expr: str
    legend: str = "__auto"


def numbers(
    head: Head,
    *asks: Ask,
    words: Words | None = None,
    unit: str = "none",
    alarm: float | None = None,
) -> stat.Panel:
    """The newest values in large; ``alarm`` is the value from which it is red."""
    panel = stat.Panel().unit(unit).graph_mode(shapes.BigValueGraphMode.NONE)
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    panel = panel.color_mode(shapes.BigValueColorMode.BACKGROUND)
    panel = panel.mappings(_mappings(words or {})).no_value("no data")
    panel = panel.thresholds(_thresholds(alarm, BLUE if alarm is None else GREEN))
    return _placed(panel, head, *(_query(one, at).instant() for at, one in enumerate(asks)))


def lines(
    head: Head, *asks: Ask, unit: str = "short", bars: bool = False, alarm: float | None = None
) -> timeseries.Panel:
    """Series over time, as lines or as stacked bars; ``alarm`` is a red line."""
    legend = common.VizLegendOptions().show_legend(True)
    legend = legend.display_mode(shapes.LegendDisplayMode.LIST)
    legend = legend.placement(shapes.LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI)
    panel = timeseries.Panel().unit(unit).min(0).legend(legend).tooltip(tooltip)
    if bars:
        panel = panel.draw_style(shapes.GraphDrawStyle.BARS).fill_opacity(80)
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
    else:
        panel = panel.line_width(2).show_points(shapes.VisibilityMode.NEVER)
    if alarm is not None:
        style = common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED)
        panel = panel.thresholds(_thresholds(alarm, GREEN)).thresholds_style(style)
    return _placed(panel, head, *(_query(one, at) for at, one in enumerate(asks)))


def ranking(head: Head, *asks: Ask, alarm_below: float | None = None) -> bargauge.Panel:
    """The newest values as bars; ``alarm_below`` colours what is smaller red."""
    panel = bargauge.Panel().orientation(shapes.VizOrientation.HORIZONTAL).min(0)
    panel = panel.display_mode(shapes.BarGaugeDisplayMode.BASIC).no_value("none")
    panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
    steps = [Threshold(color=BLUE)]
    if alarm_below is not None:
        steps = [Threshold(color=RED), Threshold(value=alarm_below, color=GREEN)]
    panel = panel.thresholds(ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
    return _placed(panel, head, *(_query(one, at).instant() for at, one in enumerate(asks)))


def timeline(head: Head, *asks: Ask, words: Words) -> statetimeline.Panel:
    """States over time."""
    panel = statetimeline.Panel().mappings(_mappings(words)).merge_values(True)
    panel = panel.show_value(shapes.VisibilityMode.AUTO).line_width(0).fill_opacity(80)
    panel = panel.thresholds(_thresholds(None, GREY))
    return _placed(panel, head, *(_query(one, at) for at, one in enumerate(asks)))


def spread(head: Head, ask: Ask, unit: str) -> heatmap.Panel:
    """The buckets of a histogram over time."""
    colours = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME)
    colours = colours.scheme("Oranges").steps(64).exponent(0.5)
    panel = heatmap.Panel().calculate(False).color(colours).y_axis(heatmap.YAxisConfig().unit(unit))
    return _placed(panel, head, _query(ask, 0).format(PromQueryFormat.HEATMAP))


class Column(NamedTuple):
    """A column of a table."""

    title: str
    expr: str
    unit: str


def columns(head: Head, by: str, *wanted: Column) -> table.Panel:
    """A table with a line for each value of the label ``by``."""
    letters = [_letter(at) for at in range(len(wanted))]
    names = {f"Value #{letter}": one.title for letter, one in zip(letters, wanted, strict=True)}
    panel = table.Panel().show_header(True)
    panel = panel.with_transformation(DataTransformerConfig(id_val="merge", options={}))
    tidy = {"excludeByName": {"Time": True}, "renameByName": {by: by.capitalize(), **names}}
    panel = panel.with_transformation(DataTransformerConfig(id_val="organize", options=tidy))
    for one in wanted:
        panel = panel.override_by_name(one.title, [DynamicConfigValue("unit", one.unit)])
    queries = (
        _query(Ask(one.expr), at).instant().format(PromQueryFormat.TABLE)
        for at, one in enumerate(wanted)
    )
    return _placed(panel, head, *queries)


def _placed(panel: P, head: Head, *queries: prometheus.Dataquery) -> P:
    panel = panel.title(head.title).description(head.description).datasource(SOURCE)
    panel = panel.span(head.width).height(head.height).interval(STEP)
    for one in queries:
        panel = panel.with_target(one)
    return panel


def _query(ask: Ask, at: int) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(ask.expr).legend_format(ask.legend).ref_id(_letter(at))
    return query.datasource(SOURCE)


def _letter(at: int) -> str:
    return chr(ord("A") + at)


def _mappings(words: Words) -> list[ValueMapping]:
    if not words:
        return []
    options = {
        str(value): ValueMappingResult(text=text, color=colour, index=at)
        for at, (value, (text, colour)) in enumerate(words.items())
    }
    return [ValueMap(options=options)]


def _thresholds(alarm: float | None, colour: str) -> ThresholdsConfig:
    steps = [Threshold(color=colour)]
    if alarm is not None:
        steps.append(Threshold(value=alarm, color=RED))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)

"""The dashboard: its variables, its annotations and its rows."""

from __future__ import annotations

import json

from grafana_foundation_sdk.builders.dashboard import (
    AnnotationQuery,
    Dashboard,
    DatasourceVariable,
    QueryVariable,
)
from grafana_foundation_sdk.builders.dashboard import Row as RowBuilder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as models

from monitoring import row_etcd, row_inside, row_kills, row_now, row_why_not
from monitoring.build import RED, SOURCE
from monitoring.promql import CLUSTER, VICTIMS, grown, select

ROWS = (row_now.ROW, row_kills.ROW, row_why_not.ROW, row_etcd.ROW, row_inside.ROW)
UID = "chaosd"
_DESCRIPTION = (
    "What chaosd did, what it will do next, why not, and how to stop it: `chaosd halt --reason"
    " TEXT`, or with kubectl alone `kubectl -n chaosd annotate configmap chaosd-ledger"
    " chaosd.io/halt=TEXT`."
)


def render() -> str:
    """The JSON of the dashboard, as Grafana imports it."""
    built = _dashboard().build()
    panels = built.panels or []
    for number, panel in enumerate(panels, 1):
        panel.id_val = number
    return json.dumps(built, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _dashboard() -> Dashboard:
    made = Dashboard("chaosd").uid(UID).description(_DESCRIPTION).tags(["chaosd", "kubernetes"])
    made = made.editable().tooltip(models.DashboardCursorSync.CROSSHAIR)
    made = made.time("now-24h", "now").refresh("1m").timezone("browser")
    made = made.with_variable(
        DatasourceVariable("datasource").label("Data source").type("prometheus")
    )
    for variable in (
        _variable("cluster", "Cluster", f"label_values({select('build_info', '')}, cluster)"),
        _variable("namespace", "Namespace", f"label_values({select('kills_total')}, namespace)"),
        _variable("policy", "Policy", f"label_values({select('window_open', CLUSTER)}, policy)"),
    ):
        made = made.with_variable(variable)
    made = made.annotation(_Kills())
    for row in ROWS:
        made = made.with_row(RowBuilder(row.title))
        for panel in row.panels:
            made = made.with_panel(panel)
    return made


def _variable(name: str, label: str, query: str) -> QueryVariable:
    """Several values of a label; all of them also means where the label is missing."""
    asked = {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    made = QueryVariable(name).label(label).query(asked).datasource(SOURCE)
    made = made.multi(True).include_all(True).all_value(".*")
    made = made.current(models.VariableOption(selected=True, text=["All"], value=["$__all"]))
    made = made.sort(models.VariableSort.ALPHABETICAL_ASC)
    return made.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)


class _Annotation(models.AnnotationQuery):
    """With the fields that the Prometheus data source reads besides."""

    def to_json(self) -> dict[str, object]:
        more = {"step": "1m", "titleFormat": "{{result}}", "tagKeys": "target,result"}
        return {**super().to_json(), **more, "textFormat": "{{policy}} in {{namespace}}"}


class _Kills(AnnotationQuery):
    """A mark at each action, by its target and result."""

    def build(self) -> models.AnnotationQuery:
        found = grown("target, result, policy, namespace", select("kills_total", VICTIMS), "1m")
        return _Annotation(
            name="Kills", datasource=SOURCE, enable=True, icon_color=RED, expr=f"{found} > 0"
        )

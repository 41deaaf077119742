"""``chaosd schema``: the reference, generated from the code that it is about."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from chaosd.cli.failures import Failed
from chaosd.cli.output import out


class Page(StrEnum):
    """What there is to generate."""

    JSON = "json"
    CONFIGURATION = "configuration"
    METRICS = "metrics"
    VALUES = "values"


PAGES = {
    Page.JSON: "chaosd.schema.json",
    Page.CONFIGURATION: "configuration.md",
    Page.METRICS: "metrics.md",
}
Which = Annotated[
    Page,
    typer.Argument(
        metavar="PAGE",
        help="json: the schema of the configuration; configuration or metrics: their reference;"
        " values: the schema of the chart's values.",
        show_default=False,
    ),
]
Write = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Write all of docs/ into this folder, which exists."),
]


def schema(page: Which = Page.JSON, write: Write = None) -> None:
    """Print the JSON schema of the configuration for editors, or a page of the reference."""
    if write is None:
        typer.echo(generate(page), nl=False)
        return
    for one, name in PAGES.items():
        try:
            (write / name).write_text(generate(one), encoding="utf-8")
        except OSError as error:
            raise Failed(f"can't write {write / name}: {error.strerror}") from None
        out().print(f"wrote {write / name}")


def generate(page: Page) -> str:
    """The text of a page."""
    if page is Page.METRICS:
        from chaosd.report.reference import markdown as metrics  # noqa: PLC0415

        return metrics()
    from chaosd.config import json_schema, markdown  # noqa: PLC0415

    if page is Page.CONFIGURATION:
        return markdown()
    if page is Page.VALUES:
        from chaosd.config.chart import values_schema  # noqa: PLC0415

        return _json(values_schema())
    return _json(json_schema())


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"

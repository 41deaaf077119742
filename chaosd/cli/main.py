"""The console script ``chaosd``: its commands, and how all of them fail."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from chaosd.cli import attempt, check, explain, halt, plan, run, schema, status, undo, windows
from chaosd.cli.failures import (
    EXPECTED,
    WENT_WRONG,
    WRONG_INPUT,
    Failed,
    Mistaken,
    Mistakes,
    in_words,
)
from chaosd.cli.ledger import ledger
from chaosd.cli.options import ACT, LOOK, RUN
from chaosd.cli.output import complain, print_mistakes

INTERRUPTED = 130


_LOOKING = frozenset({"status", "explain", "check", "plan"})


class Commands(TyperGroup):
    """Turns what goes wrong into a few words and an exit code; a bug keeps its traceback."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        """Run the command that was given."""
        try:
            return super().invoke(ctx)
        except Mistakes as found:
            print_mistakes(found)
            raise typer.Exit(WRONG_INPUT) from None
        except Mistaken as error:
            complain(str(error))
            raise typer.Exit(WRONG_INPUT) from None
        except (Failed, *EXPECTED) as error:
            looking = ctx.invoked_subcommand in _LOOKING
            complain(in_words(error, looking=looking))
            raise typer.Exit(WENT_WRONG) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    name="chaosd",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        try:
            number = version("chaosd")
        except PackageNotFoundError:
            number = "(not installed: run from its source)"
        typer.echo(f"chaosd {number}")
        raise typer.Exit


@app.callback()
def chaosd(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Say which version it is."
        ),
    ] = False,
) -> None:
    """Remove random eligible pods and nodes on a schedule, watch the recovery, report all of it.

    Exit codes: 0 fine, 1 it went wrong, 2 the input is wrong.
    """


app.command(rich_help_panel=RUN)(run.run)
if find_spec("chaosd.cli.sandbox"):
    app.command(rich_help_panel=RUN)(import_module("chaosd.cli.sandbox").sandbox)
for _command in (halt.halt, halt.resume, undo.undo, attempt.forgive, attempt.attempt):
    app.command(rich_help_panel=ACT)(_command)
for _look in (
    status.status,
    explain.explain,
    check.check,
    plan.plan,
    windows.windows,
    schema.schema,
):
    app.command(rich_help_panel=LOOK)(_look)
app.add_typer(ledger, name="ledger", rich_help_panel=LOOK)


def main() -> None:
    """The console script."""
    app()


if __name__ == "__main__":
    main()

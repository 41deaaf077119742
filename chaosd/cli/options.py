"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from chaosd.cli.output import Output

LOOK = "Look at files, at the cluster, at what was done"
ACT = "Stop, go on, do one thing"
RUN = "Run it"

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The configuration file.", show_default=False)
]
FileOption = Annotated[
    Path | None,
    typer.Option("--file", "-f", metavar="FILE", help="The configuration file."),
]
FileNeeded = Annotated[
    Path,
    typer.Option(
        "--file", "-f", metavar="FILE", help="The configuration file.", show_default=False
    ),
]
As = Annotated[
    Output, typer.Option("--output", "-o", help="Text for people, or JSON for programs.")
]
Kubeconfig = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="A kubeconfig; else KUBECONFIG, the pod's own account, or ~/.kube/config.",
    ),
]
Context = Annotated[
    str | None, typer.Option(metavar="NAME", help="Another context of the kubeconfig.")
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="chaosd's own namespace: where its ledger is; else the pod's own, or chaosd.",
    ),
]
PolicyName = Annotated[str, typer.Option("--policy", metavar="NAME", help="Only this policy.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]

"""``chaosd run``: the daemon."""

from __future__ import annotations

from typing import Annotated

import typer

from chaosd.cli.failures import Mistaken, NoCluster
from chaosd.cli.file import load_file
from chaosd.cli.options import Context, File, Kubeconfig, Namespace

Listen = Annotated[
    str,
    typer.Option(metavar="HOST:PORT", help="Where metrics, health and the status are served."),
]


def run(
    file: File,
    listen: Listen = "0.0.0.0:8080",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
) -> None:
    """Run the daemon until SIGTERM or Ctrl-C; the file is read again when it changes.

    An invalid file refuses to start (exit 2), and so does a missing permission that a policy needs
    (exit 1).
    """
    load_file(file)
    # Brings everything along.
    from chaosd.daemon.run import run_daemon, split_address  # noqa: PLC0415
    from chaosd.kube.signin import SignInFailed  # noqa: PLC0415

    try:
        split_address(listen)
    except ValueError as error:
        raise Mistaken(f"--listen {error}") from None
    try:
        code = run_daemon(
            file, listen=listen, kubeconfig=kubeconfig, context=context, namespace=namespace
        )
    except SignInFailed as error:
        raise NoCluster(str(error)) from None
    raise typer.Exit(code)

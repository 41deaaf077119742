"""``chaosd check``: every mistake of a file at once; with a cluster, what it would do there."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from chaosd.cli.cluster import ServerClock, connected
from chaosd.cli.etcd_picture import print_etcd
from chaosd.cli.failures import WENT_WRONG, WRONG_INPUT, Failed, Mistakes
from chaosd.cli.file import load_file
from chaosd.cli.options import As, Context, File, Kubeconfig, Namespace
from chaosd.cli.output import Output, mistakes_json, out, print_json, print_mistakes
from chaosd.core.model import Configuration
from chaosd.engine.preflight import Outlook, outlook, permission_words
from chaosd.engine.preflight_etcd import etcd_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaosd.core.etcd_answer import EtcdAnswer
    from chaosd.daemon.wiring import Connection
    from chaosd.kube.permissions import Need

Cluster = Annotated[
    bool,
    typer.Option("--cluster", help="Also ask the cluster: permissions, and what would happen."),
]


def check(
    file: File,
    cluster: Cluster = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    output: As = Output.TEXT,
) -> None:
    """Check a configuration file: exit 0 when it is valid, 2 with all its mistakes.

    With --cluster (or a kubeconfig or context) also say which permissions are missing there, which
    exits 1, and in plain words what the configuration would do.
    """
    asked = cluster or kubeconfig is not None or context is not None
    try:
        configuration = load_file(file)
    except Mistakes as found:
        if output is Output.JSON:
            mistakes = mistakes_json(found.places)
            print_json({"mistakes": mistakes} if asked else mistakes)
        else:
            print_mistakes(found)
        raise typer.Exit(WRONG_INPUT) from None
    if asked:
        connection = connected(kubeconfig, context, namespace)
        with closing(connection):
            _check_cluster(str(file), configuration, connection, output)
    elif output is Output.JSON:
        print_json([])
    else:
        out().print(f"{file} is valid: {_summary(configuration)}")
        for line in etcd_words(configuration):
            out().print(line)


def _summary(configuration: Configuration) -> str:
    live = sum(not policy.dry_run for policy in configuration.policies)
    dry = len(configuration.policies) - live
    parts = [f"{live} live"] if live else []
    parts += [f"{dry} in dry run"] if dry else []
    count = len(configuration.policies)
    noun = "policy" if count == 1 else "policies"
    halted = "; halted: true, so nothing is struck" if configuration.halted else ""
    return (f"{count} {noun}, {' and '.join(parts)}" if parts else "no policies") + halted


def _check_cluster(
    file: str, configuration: Configuration, connection: Connection, output: Output
) -> None:
    if words := _too_old(connection):
        raise Failed(words)
    missing = _missing(configuration, connection)
    required = [need for need in missing if need.required]
    found = None
    helper: tuple[str, ...] = ()
    etcd: Sequence[EtcdAnswer] = ()
    if not required:
        found = outlook(configuration, connection.targets, ServerClock(connection).stamp())
        helper = _helper(configuration, connection)
        etcd = _etcd(configuration, connection)
    if output is Output.JSON:
        _print_json(missing, found, helper, etcd)
    else:
        _print_text(file, configuration, connection.where(), missing, found)
        for line in helper:
            out().print(line)
        for answer in etcd:
            print_etcd(answer)
    if required:
        raise typer.Exit(WENT_WRONG)


def _too_old(connection: Connection) -> str:
    from chaosd.kube.offers import too_old  # noqa: PLC0415 - brings the client along

    return too_old(connection.api)


def _missing(configuration: Configuration, connection: Connection) -> list[Need]:
    from chaosd.kube.permissions import missing, needs  # noqa: PLC0415 - brings the client along

    wanted = needs(configuration, connection.namespace, in_cluster=connection.in_cluster)
    return missing(connection.api, wanted)


def _helper(configuration: Configuration, connection: Connection) -> tuple[str, ...]:
    from chaosd.kube.reads import KubeReads  # noqa: PLC0415 - brings the client along
    from chaosd.targets.helper_trial import helper_words  # noqa: PLC0415

    return helper_words(KubeReads(connection.api), configuration)


def _etcd(configuration: Configuration, connection: Connection) -> Sequence[EtcdAnswer]:
    from chaosd.daemon.etcd_state import etcd_answers  # noqa: PLC0415 - brings the client along

    return etcd_answers(connection, configuration, ServerClock(connection).now())


def _print_json(
    missing: Sequence[Need],
    found: Outlook | None,
    helper: tuple[str, ...],
    etcd: Sequence[EtcdAnswer],
) -> None:
    print_json(
        {
            "mistakes": [],
            "missing": [
                {
                    "verbs": need.verbs,
                    "resource": need.resource,
                    "group": need.group,
                    "namespace": need.namespace,
                    "name": need.name,
                    "why": need.why,
                    "required": need.required,
                    "rule": need.rule,
                }
                for need in missing
            ],
            "outlook": found,
            "helper": helper,
            "etcd": etcd,
        }
    )


def _print_text(
    file: str,
    configuration: Configuration,
    where: str,
    missing: Sequence[Need],
    found: Outlook | None,
) -> None:
    out().print(f"{file} is valid: {_summary(configuration)}")
    out().print(f"Asked {where}, as who is signed in there.")
    for words in permission_words(missing):
        out().print(words)
    if not missing:
        out().print("Nothing that it needs is missing from the permissions.")
    for line in found.says if found else ():
        out().print(line)
    if found is None:
        out().print("What it would do can't be told without these permissions.")

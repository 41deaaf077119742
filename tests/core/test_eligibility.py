"""Which workloads may be struck, and every reason why others may not."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.facts import WorkloadFacts
from chaosd.core.model import Code, Select, WorkloadKey
from chaosd.core.selector import Selector
from tests.core.subjects import APP, OPTED_IN, ago, codes, custom, sift, texts, workload


def test_a_workload_that_is_fine_has_no_reasons() -> None:
    """What opted in, is selected, old enough and whole may be struck."""
    assert sift().reasons(workload(), {}) == ()


@pytest.mark.parametrize(
    ("namespaces", "name", "expected"),
    [
        ((), "shop", []),
        (("shop",), "shop", []),
        (("sho",), "shop", [Code.NAMESPACE_NOT_SELECTED]),
        (("shop",), "shop-2", [Code.NAMESPACE_NOT_SELECTED]),
        (("shop",), "Shop", [Code.NAMESPACE_NOT_SELECTED]),
        (("blog", "team-*"), "team-red", []),
        (("blog", "team-*"), "my-team-red", [Code.NAMESPACE_NOT_SELECTED]),
        (("team-?",), "team-1", []),
        (("*",), "shop", []),
        ((), "kube-system", [Code.SYSTEM_NAMESPACE]),
        (("*",), "kube-system", [Code.SYSTEM_NAMESPACE]),
        (("kube-*",), "kube-system", [Code.SYSTEM_NAMESPACE]),
        (("shop",), "kube-system", [Code.NAMESPACE_NOT_SELECTED, Code.SYSTEM_NAMESPACE]),
        (("kube-system",), "kube-system", []),
        (("*", "kube-system"), "kube-system", []),
    ],
)
def test_namespaces(namespaces: tuple[str, ...], name: str, expected: list[Code]) -> None:
    """Globs select namespaces, but kube-system only when it is named in full."""
    facts = workload(key=WorkloadKey(name, "Deployment", "web"))
    one = sift(Select(namespaces=namespaces))
    assert codes(one.reasons(facts, {})) == expected
    assert codes(one.reasons(facts, {})) == expected, "asked again"


@pytest.mark.parametrize(
    ("kinds", "facts", "expected"),
    [
        (Select().kinds, workload("StatefulSet"), []),
        (Select().kinds, workload("DaemonSet"), [Code.KIND_NOT_SELECTED]),
        (Select().kinds, workload("Job", observed_generation=None), [Code.KIND_NOT_SELECTED]),
        (Select().kinds, workload("Pod"), [Code.KIND_NOT_SELECTED]),
        (("Job",), workload("CronJob"), [Code.KIND_NOT_SELECTED]),
        (("Job",), workload("Job", observed_generation=None, updated=None), []),
        (("Database",), custom(), []),
        (("Deployment",), custom(), [Code.KIND_NOT_SELECTED]),
    ],
)
def test_kinds(kinds: tuple[str, ...], facts: WorkloadFacts, expected: list[Code]) -> None:
    """Only kinds that the policy names: Jobs, bare pods and own kinds are never meant silently."""
    assert codes(sift(Select(kinds=kinds)).reasons(facts, {})) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("tier=front", ""),
        ("app=web", ""),
        ("tier in (front,mid),app", ""),
        ("tier=back", "tier=back does not hold: tier=front"),
        ("team=red", "team=red does not hold: no team"),
        (
            "tier!=front,app,!app",
            "tier!=front does not hold: tier=front; !app does not hold: app=web",
        ),
        ("only-workload=yes", "only-workload=yes does not hold: only-workload=no"),
    ],
)
def test_labels(selector: str, expected: str) -> None:
    """Labels of workload and template together, the template's on top; what fails is named."""
    facts = workload(
        labels={**OPTED_IN, "tier": "front", "only-workload": "yes"},
        template_labels={**APP, "only-workload": "no"},
    )
    found = sift(Select(labels=Selector.parse(selector))).reasons(facts, {})
    assert [(reason.code, reason.detail) for reason in found] == (
        [(Code.LABELS_NOT_SELECTED, expected)] if expected else []
    )


def test_annotations() -> None:
    """Annotations are looked for on the workload and on its template, like labels."""
    select = Select(annotations=Selector.parse("owner=red,stage=prod"))
    facts = workload(annotations={"owner": "red"}, template_annotations={"stage": "prod"})
    assert sift(select).reasons(facts, {}) == ()
    assert texts(sift(select).reasons(workload(annotations={"owner": "red"}), {})) == [
        "annotationsNotSelected: stage=prod does not hold: no stage"
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("", []),
        ("^web$", []),
        ("e", []),
        ("^(api|web)", []),
        ("^api-", [Code.NAME_NOT_SELECTED]),
        ("WEB", [Code.NAME_NOT_SELECTED]),
    ],
)
def test_names(names: str, expected: list[Code]) -> None:
    """A regular expression that is searched for, so that anchors are the user's choice."""
    assert codes(sift(Select(names=names)).reasons(workload(), {})) == expected


def test_a_broken_regex_is_refused() -> None:
    """It never selects anything by accident."""
    with pytest.raises(ValueError, match="names: '\\(' is no regex"):
        sift(Select(names="("))


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=10), []),
        (timedelta(minutes=9, seconds=59), ["tooYoung: 9m59s old, minAge is 10m"]),
        (timedelta(seconds=-30), ["tooYoung: -30s old, minAge is 10m"]),
    ],
)
def test_age(age: timedelta, expected: list[str]) -> None:
    """Old enough from exactly minAge on; what was created in the future is not."""
    assert texts(sift().reasons(workload(created=ago() - age), {})) == expected


@pytest.mark.parametrize(
    ("least", "ready", "expected"),
    [
        (2, 2, []),
        (2, 1, ["tooFewReplicas: 1 Ready, minReplicas is 2"]),
        (1, 1, []),
        (0, 1, []),
        (5, 4, ["tooFewReplicas: 4 Ready, minReplicas is 5"]),
    ],
)
def test_replicas(least: int, ready: int, expected: list[str]) -> None:
    """As many Ready replicas as the policy asks for."""
    facts = workload(desired=ready, replicas=ready, ready=ready, updated=ready)
    assert texts(sift(Select(min_replicas=least)).reasons(facts, {})) == expected


def test_replicas_that_nobody_counts_are_left_to_the_pods() -> None:
    """Own kinds don't say how many are Ready: that is known once their pods are read."""
    assert sift(Select(kinds=("Database",), min_replicas=5)).reasons(custom(), {}) == ()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("system-cluster-critical", [Code.CRITICAL_PRIORITY]),
        ("system-node-critical", [Code.CRITICAL_PRIORITY]),
        ("critical", []),
        ("my-system-critical", []),
        ("system-batch", []),
        ("", []),
    ],
)
def test_priority(name: str, expected: list[Code]) -> None:
    """What the cluster itself needs is never a victim."""
    assert codes(sift().reasons(workload(priority_class=name), {})) == expected


def test_naming_kube_system_does_not_free_critical_priorities() -> None:
    """The namespace can be opened by its name; the class stays closed."""
    facts = workload(
        key=WorkloadKey("kube-system", "Deployment", "dns"),
        priority_class="system-cluster-critical",
    )
    found = sift(Select(namespaces=("kube-system",))).reasons(facts, {})
    assert codes(found) == [Code.CRITICAL_PRIORITY]


def test_all_reasons_are_collected() -> None:
    """Nobody fixes one thing only to learn of the next."""
    facts = workload(
        key=WorkloadKey("kube-system", "DaemonSet", "proxy"),
        labels={},
        annotations={"chaosd.io/min-gap": "soon"},
        created=ago(minutes=1),
        deleting=True,
        generation=5,
        desired=9,
        ready=1,
        updated=2,
        priority_class="system-node-critical",
    )
    select = Select(
        namespaces=("shop",),
        labels=Selector.parse("a"),
        annotations=Selector.parse("b"),
        names="^web",
    )
    assert codes(sift(select).reasons(facts, None)) == sorted(
        {
            Code.NOT_OPTED_IN,
            Code.UNREADABLE,
            Code.NAMESPACE_NOT_SELECTED,
            Code.SYSTEM_NAMESPACE,
            Code.KIND_NOT_SELECTED,
            Code.LABELS_NOT_SELECTED,
            Code.ANNOTATIONS_NOT_SELECTED,
            Code.NAME_NOT_SELECTED,
            Code.BAD_ANNOTATION,
            Code.TOO_YOUNG,
            Code.TERMINATING,
            Code.STATUS_STALE,
            Code.ROLLOUT,
            Code.NOT_ALL_READY,
            Code.TOO_FEW_REPLICAS,
            Code.CRITICAL_PRIORITY,
        }
    )


YES, NO = OPTED_IN, {"chaosd.io/enabled": "false"}
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.sampled_from([{}, YES, NO]),
        "created": st.sampled_from([ago(days=1), ago(minutes=1)]),
        "deleting": st.booleans(),
        "observed_generation": st.sampled_from([3, 4, None]),
        "ready": st.sampled_from([0, 1, 2, 3, None]),
        "updated": st.sampled_from([0, 2, 3, None]),
        "replicas": st.sampled_from([2, 3, 4, None]),
        "desired": st.sampled_from([0, 2, 3, None]),
        "finished": st.booleans(),
        "suspended": st.booleans(),
        "priority_class": st.sampled_from(["", "system-node-critical"]),
    },
)


@given(CHANGES, st.sampled_from([{}, YES, NO, None]), st.permutations([0, 1, 2]))
def test_sifting_depends_on_the_workload_alone(
    changes: dict[str, object], namespace: dict[str, str] | None, order: list[int]
) -> None:
    """The same workload gets the same reasons, whatever was sifted before it."""
    many = [
        workload(),
        workload(**changes),
        workload(key=WorkloadKey("kube-system", "Deployment", "x")),
    ]
    shared = sift()
    together = {number: shared.reasons(many[number], namespace) for number in order}
    assert [together[number] for number in range(3)] == [
        sift().reasons(facts, namespace) for facts in many
    ]


@given(CHANGES)
def test_only_the_whole_are_eligible(changes: dict[str, object]) -> None:
    """Without reasons means: opted in, old, settled, complete, and not critical."""
    facts = workload(**changes)
    fine = (
        facts.labels.get("chaosd.io/enabled") == "true"
        and facts.created == ago(days=1)
        and not (facts.deleting or facts.finished or facts.suspended or facts.priority_class)
        and facts.observed_generation in (4, None)
        and facts.desired != 0
        and (facts.ready is None or facts.ready >= 2)
        and (None in (facts.ready, facts.desired) or (facts.ready or 0) >= (facts.desired or 0))
        and (None in (facts.updated, facts.desired) or (facts.updated or 0) >= (facts.desired or 0))
        and (
            None in (facts.replicas, facts.desired) or (facts.replicas or 0) <= (facts.desired or 0)
        )
    )
    reasons = sift().reasons(facts, {})
    assert (not reasons) is fine, (msgspec.structs.asdict(facts), reasons)

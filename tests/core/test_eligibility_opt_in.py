"""Opting in and vetoes: on which objects a label counts, and what outweighs what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.eligibility import opt_in_reasons
from chaosd.core.model import Code, OptIn
from tests.core.subjects import APP, OPTED_IN, codes, sift, texts, workload

YES, NO = OPTED_IN, {"chaosd.io/enabled": "false"}


@pytest.mark.parametrize(
    ("on_workload", "on_pod", "on_namespace", "expected"),
    [
        (YES, None, {}, []),
        (YES, {}, {}, []),
        ({}, YES, {}, []),
        ({}, {}, YES, []),
        (YES, YES, YES, []),
        ({}, {}, {}, [Code.NOT_OPTED_IN]),
        ({}, None, {}, [Code.NOT_OPTED_IN]),
        ({"chaosd.io/enabled": "yes"}, {}, {}, [Code.NOT_OPTED_IN]),
        ({"chaosd.io/enabled": "yes"}, YES, {}, []),
        ({"chaosd.io/enabled": "True"}, {}, {}, [Code.NOT_OPTED_IN]),
        ({"other/enabled": "true"}, {}, {}, [Code.NOT_OPTED_IN]),
        (NO, YES, YES, [Code.VETOED]),
        (YES, NO, YES, [Code.VETOED]),
        (YES, YES, NO, [Code.VETOED]),
        (NO, {}, {}, [Code.NOT_OPTED_IN, Code.VETOED]),
        ({"chaosd.io/enabled": "False"}, YES, {}, [Code.VETOED]),
        (YES, YES, None, [Code.UNREADABLE]),
        ({}, NO, None, [Code.NOT_OPTED_IN, Code.UNREADABLE, Code.VETOED]),
    ],
)
def test_opting_in(
    on_workload: dict[str, str],
    on_pod: dict[str, str] | None,
    on_namespace: dict[str, str] | None,
    expected: list[Code],
) -> None:
    """One label opts in, one veto is enough, and an unread namespace may hold one."""
    reasons = opt_in_reasons(OptIn(), on_workload, on_pod, on_namespace)
    assert codes(reasons) == expected


def test_every_veto_is_named_with_what_it_says() -> None:
    """Who looks for the veto at 3 a.m. is told on which objects it stands."""
    found = texts(opt_in_reasons(OptIn(), NO, YES, {"chaosd.io/enabled": "FALSE"}))
    assert found == [
        "vetoed: the workload says chaosd.io/enabled=false",
        "vetoed: the namespace says chaosd.io/enabled=FALSE",
    ]


def test_a_near_miss_of_opting_in_is_shown() -> None:
    """A value that is neither yes nor no is repeated, so that the typo is seen."""
    assert texts(opt_in_reasons(OptIn(), {"chaosd.io/enabled": "ture"}, {}, {})) == [
        "notOptedIn: no chaosd.io/enabled=true on workload, pods or namespace (found ture)"
    ]


def test_key_and_value_of_opting_in_can_be_set() -> None:
    """A team that comes from another tool keeps its labels."""
    opt_in = OptIn("kube-monkey/enabled", "enabled")
    facts = workload(labels={"kube-monkey/enabled": "enabled"})
    assert sift(opt_in=opt_in).reasons(facts, {}) == ()
    assert codes(sift(opt_in=opt_in).reasons(workload(), {})) == [Code.NOT_OPTED_IN]


LABELS = st.dictionaries(
    st.sampled_from(["chaosd.io/enabled", "app"]),
    st.sampled_from(["true", "false", "False", "web", ""]),
)


@given(LABELS, st.none() | LABELS, st.none() | LABELS, st.sampled_from(["true", "web", "false"]))
def test_no_yes_or_any_veto_is_never_eligible(
    on_workload: dict[str, str],
    on_pod: dict[str, str] | None,
    on_namespace: dict[str, str] | None,
    value: str,
) -> None:
    """Eligible exactly if the namespace was read, somebody says yes and nobody says no."""
    opt_in = OptIn("chaosd.io/enabled", value)
    layers = [on_workload, on_pod or {}, on_namespace or {}]
    said = [labels[opt_in.label] for labels in layers if opt_in.label in labels]
    yes = value in said and on_namespace is not None
    vetoed = any(text.lower() == "false" for text in said)
    reasons = opt_in_reasons(opt_in, on_workload, on_pod, on_namespace)
    assert (not reasons) is (yes and not vetoed)
    assert (Code.VETOED in codes(reasons)) is vetoed


def test_a_workload_opts_in_by_its_template_its_namespace_or_one_of_its_pods() -> None:
    """The label works wherever it stands, and a veto in the template outweighs a pod's yes."""
    bare = {"labels": APP}
    assert sift().reasons(workload(**bare, template_labels={**APP, **YES}), {}) == ()
    assert sift().reasons(workload(**bare), YES) == ()
    assert sift().reasons(workload(**bare), {}, pods_opted_in=True) == ()
    vetoed = workload(**bare, template_labels={**APP, **NO})
    assert Code.VETOED in codes(sift().reasons(vetoed, {}, pods_opted_in=True))

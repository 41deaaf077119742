"""Whether what a node loses is estimated to fit on the others."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaosd.core.capacity import Room
from chaosd.core.facts import NodeFacts, Placed, PodFacts, Resources
from chaosd.core.model import Code
from tests.core import subjects
from tests.core.rooms import EVERYTHING, GI, NOBODY, TEAM, gives, node, placed, pod, room
from tests.core.subjects import codes, texts


def test_nothing_fits_everywhere() -> None:
    """A node without pods to move needs no other."""
    assert room().fits([], NOBODY) == ()


@pytest.mark.parametrize(
    ("changes", "used", "fits"),
    [
        ({"cpu": 4000}, [], True),
        ({"cpu": 4001}, [], False),
        ({"memory": 8}, [], True),
        ({"memory": 9}, [], False),
        ({"cpu": 1000}, [placed(cpu=2000), placed(cpu=1000)], True),
        ({"cpu": 1000}, [placed(cpu=2000), placed(cpu=1001)], False),
        ({"memory": 3}, [placed(memory=5)], True),
        ({"memory": 4}, [placed(memory=5)], False),
        ({"cpu": 4000}, [placed("n2", cpu=4000)], True),
        ({"cpu": 0, "memory": 0}, [placed()] * 9, True),
        ({"cpu": 0, "memory": 0}, [placed()] * 10, False),
        ({"cpu": 0}, [placed(cpu=5000)], True),
        ({"memory": 0}, [placed(memory=9)], True),
        ({"cpu": 0}, [placed(memory=8)], False),
    ],
)
def test_requests_against_what_is_left(
    changes: dict[str, int], used: list[Placed], fits: bool
) -> None:
    """Of CPU, memory and pods; who requests nothing fits even where too much is used."""
    assert (not room(node(), used=used).fits([pod(**changes)], NOBODY)) is fits


def test_the_victim_and_what_is_held_offer_none() -> None:
    """One Room answers for every victim."""
    both = room(node("n1"), node("n2"), used=[placed("n2", cpu=3500)])
    assert both.fits([pod()], {"n2"}) == ()
    assert codes(both.fits([pod()], {"n1"})) == [Code.NO_CAPACITY]
    assert both.fits([pod(cpu=500)], {"n1"}) == ()
    assert codes(both.fits([pod(cpu=0)], {"n1", "n2"})) == [Code.NO_CAPACITY]


def test_asking_takes_no_room() -> None:
    """The same question has the same answer."""
    one = room(node(allocatable=gives(1000)))
    assert one.fits([pod()], NOBODY) == one.fits([pod()], NOBODY) == ()


def test_pages_come_in_any_order_and_nodes_twice() -> None:
    """What counts is how a node was last read; its pods stay counted."""
    one = Room()
    one.add_pods([placed(cpu=3000)])
    one.add_nodes([node(allocatable=gives(8000))])
    one.add_nodes([node(ready=False)])
    assert codes(one.fits([pod()], NOBODY)) == [Code.NO_CAPACITY]
    one.add_nodes([node(allocatable=gives(4000))])
    assert one.fits([pod(cpu=1000)], NOBODY) == ()
    one.add_pods([placed(cpu=1)])
    assert codes(one.fits([pod(cpu=1000)], NOBODY)) == [Code.NO_CAPACITY]


def test_pods_are_counted_anew_after_they_were_forgotten() -> None:
    """What was counted of some nodes must not be counted twice with all."""
    found = room(node(), used=[placed(cpu=2000)])
    found.forget_pods()
    found.add_pods([placed(cpu=2000)])
    assert found.fits([pod(cpu=2000)], NOBODY) == ()


def test_some_nodes_tell_as_much_as_all_when_it_fits() -> None:
    """Only the nodes that are named are looked at, and those that are away never."""
    nodes = [node(name) for name in ("n1", "n2", "n3")]
    some = room(*nodes, used=[placed("n2", cpu=4000)])
    assert some.fits([pod()], {"n1"}, ["n3"]) == ()
    assert codes(some.fits([pod()], {"n1"}, ["n2"])) == [Code.NO_CAPACITY]
    assert codes(some.fits([pod()], {"n1"}, ["n1", "n2"])) == [Code.NO_CAPACITY]
    assert codes(some.fits([pod()], {"n1"}, [])) == [Code.NO_CAPACITY]


def test_the_largest_go_first() -> None:
    """Small ones fill the gaps that they leave, whatever the order in which they were read."""
    two = room(node("n1", allocatable=gives(3000)), node("n2", allocatable=gives(3000)))
    pods = [pod(number, cpu=cpu) for number, cpu in enumerate([1000, 1000, 2000, 2000])]
    for some in itertools.permutations(pods):
        assert two.fits(some, NOBODY) == ()


def test_what_does_not_fit_is_told() -> None:
    """How many, an example with its requests, and whether it lacks room or a node at all."""
    full = room(node("n1", allocatable=gives(2500, 3)), used=[placed(cpu=500)])
    pods = [pod(number, cpu=750) for number in (1, 2, 3)]
    assert texts(full.fits(pods, NOBODY)) == [
        (
            "noCapacity: 1 of 3 pods would not fit elsewhere, like shop/web-3 (it requests 750m CPU"
            " and 1Gi of memory): no other node has the room"
        )
    ]
    picky = pod(cpu=2000, memory=0, node_selector={"pool": "big"})
    assert texts(full.fits([picky], NOBODY)) == [
        (
            "noCapacity: 1 of 1 pods would not fit elsewhere, like shop/web-1 (it requests 2 CPU):"
            " no other node matches its labels and taints"
        )
    ]
    assert texts(room().fits([pod(cpu=0, memory=0)], NOBODY)) == [
        (
            "noCapacity: 1 of 1 pods would not fit elsewhere, like shop/web-1 (it requests"
            " nothing): no other node matches its labels and taints"
        )
    ]


@pytest.mark.parametrize(
    ("memory", "told"),
    [(512, "512"), (1536, "1.5Ki"), (200 * 2**20, "200Mi"), (GI * 5 // 2, "2.5Gi")],
)
def test_memory_is_told_as_people_write_it(memory: int, told: str) -> None:
    """In the largest unit that it fills."""
    large = subjects.pod(requests=Resources(0, memory))
    assert f"(it requests {told} of memory)" in texts(room().fits([large], NOBODY))[0]


# ------------------------------------------------------------------ as all ways of placing have it


NODES = st.lists(
    st.builds(
        lambda cpu, memory, pods, pool, taints: node(
            allocatable=gives(cpu, memory, pods), labels={"pool": pool}, taints=taints
        ),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(0, 3),
        st.sampled_from(["a", "b"]),
        st.sampled_from([(), (TEAM,)]),
    ),
    max_size=3,
).map(lambda found: [named(one, f"n{at}") for at, one in enumerate(found)])
POD = st.builds(
    lambda cpu, memory, pool, tolerations: pod(
        cpu=cpu,
        memory=memory,
        node_selector={"pool": pool} if pool else {},
        tolerations=tolerations,
    ),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([(), (EVERYTHING,)]),
)
PODS = st.lists(POD, max_size=4)
USED = st.lists(
    st.builds(placed, st.sampled_from(["n0", "n1"]), st.integers(0, 2), st.integers(0, 2)),
    max_size=3,
)


def named(one: NodeFacts, name: str) -> NodeFacts:
    return NodeFacts(name, True, one.labels, taints=one.taints, allocatable=one.allocatable)


def possible(nodes: list[NodeFacts], used: list[Placed], pods: list[PodFacts]) -> bool:
    """Whether any way at all of sharing out the pods keeps every rule: all ways are tried."""
    return any(
        all(
            sum(one.requests.cpu for one in here) <= max(0, left[0])
            and sum(one.requests.memory for one in here) <= max(0, left[1])
            and len(here) <= max(0, left[2])
            and all(
                one.node_selector.items() <= target.labels.items()
                and (not target.taints or one.tolerations)
                for one in here
            )
            for at, target in enumerate(nodes)
            for here in [[one for one, to in zip(pods, ways, strict=True) if to == at]]
            for left in [left_on(target, used)]
        )
        for ways in itertools.product(range(len(nodes)), repeat=len(pods))
    )


def left_on(target: NodeFacts, used: list[Placed]) -> tuple[int, int, int]:
    here = [one.requests for one in used if one.node == target.name]
    give = target.allocatable
    return (
        give.cpu - sum(one.cpu for one in here),
        give.memory - sum(one.memory for one in here),
        give.pods - len(here),
    )


@given(NODES, USED, PODS)
def test_what_fits_could_be_placed(
    nodes: list[NodeFacts], used: list[Placed], pods: list[PodFacts]
) -> None:
    """The estimate never says yes where no placing exists; a lone pod is judged exactly."""
    fits = not room(*nodes, used=used).fits(pods, NOBODY)
    if fits or len(pods) == 1:
        assert possible(nodes, used, pods) is fits


@given(NODES, USED, POD, st.integers(0, 3))
def test_room_only_shrinks(
    nodes: list[NodeFacts], used: list[Placed], one: PodFacts, more: int
) -> None:
    """Pods that are counted twice, or nodes that are away, never let a pod in that was not."""
    before = room(*nodes, used=used)
    after = room(*nodes, used=[*used, *used[:more]])
    if before.fits([one], NOBODY):
        assert after.fits([one], NOBODY)
        assert before.fits([one], {"n0"})

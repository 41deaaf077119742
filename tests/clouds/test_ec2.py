"""EC2 over HTTP: against moto's server, and against one that goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
import pytest
from moto.server import ThreadedMotoServer

from chaosd.clouds.ec2 import Ec2
from chaosd.core.cloud import Machine
from chaosd.core.ledger import Step, StepState
from chaosd.core.model import StepAction, Victim
from chaosd.ports import (
    Answered,
    Forbidden,
    NotFound,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)
from chaosd.targets import node_cloud
from tests.core.ledgers import NOW, SECOND
from tests.support.loopback import Exchange, serving

REGION = "eu-west-1"


def session(**options: Any) -> Callable[[], Any]:
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **options}
    return lambda: boto3.session.Session(**keys)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def ec2(moto: str) -> Any:
    """EC2's own client, as a person has it."""
    return session()().client("ec2", region_name=REGION, endpoint_url=moto)


@pytest.fixture
def cloud(moto: str) -> Ec2:
    return Ec2(session(), moto)


@pytest.fixture
def instance(ec2: Any) -> str:
    """A machine of ours, by its provider ID."""
    image = ec2.describe_images()["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)
    return f"aws:///{REGION}a/{made['Instances'][0]['InstanceId']}"


def states(ec2: Any) -> dict[str, str]:
    found = ec2.describe_instances()["Reservations"]
    return {
        one["InstanceId"]: one["State"]["Name"] for group in found for one in group["Instances"]
    }


# ------------------------------------------------------------------ whose machine it is


@pytest.mark.parametrize(
    ("provider_id", "ours"),
    [
        ("aws:///eu-west-1a/i-0123456789abcdef0", True),
        ("aws:///us-west-2-lax-1a/i-0123456789abcdef0", True),
        ("gce://project/europe-west1-b/node", False),
        ("aws:///eu-west-1a/fargate-ip-10-0-0-1", False),
        ("kind://docker/kind/node", False),
        ("", False),
    ],
)
def test_whose_machine_it_is(provider_id: str, ours: bool) -> None:
    """Only an EC2 instance's ID is EC2's."""
    assert Ec2().serves(provider_id) is ours


@pytest.mark.parametrize(
    ("zone", "region"),
    [
        ("eu-west-1a", "eu-west-1"),
        ("us-gov-west-1b", "us-gov-west-1"),
        ("us-west-2-lax-1a", "us-west-2"),
        ("us-east-1-wl1-bos-wlz-1", "us-east-1"),
        ("ap-southeast-2c", "ap-southeast-2"),
    ],
)
def test_the_region_is_that_of_the_zone(zone: str, region: str) -> None:
    """Local and Wavelength zones carry their region's name, too."""
    asked: list[str] = []

    class Session:
        def client(self, _name: str, *, region_name: str, **_rest: Any) -> Any:
            asked.append(region_name)
            raise OSError("enough")

    with pytest.raises(OSError, match="enough"):
        Ec2(Session).machine(f"aws:///{zone}/i-0123456789abcdef0")
    assert asked == [region]


# ------------------------------------------------------------------ moto


def test_a_machine_is_ended_once_and_seen_to_be(cloud: Ec2, ec2: Any, instance: str) -> None:
    """It runs, nothing speaks against its end, and then it is gone; no other is touched."""
    image = ec2.describe_images()["Images"][0]["ImageId"]
    other = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    assert cloud.machine(instance) is Machine.RUNNING
    assert cloud.objection(instance) == ""
    assert cloud.machine(instance) is Machine.RUNNING
    cloud.terminate(instance, 5)
    assert cloud.machine(instance) is Machine.GONE
    assert states(ec2)[other] == "running"


def test_a_protected_machine_is_told_before(cloud: Ec2, ec2: Any, instance: str) -> None:
    """Termination protection is seen without an attempt."""
    ec2.modify_instance_attribute(
        InstanceId=instance.rpartition("/")[2], DisableApiTermination={"Value": True}
    )
    assert "protected from termination" in cloud.objection(instance)


def test_an_unknown_machine_is_gone_and_can_not_be_ended(cloud: Ec2) -> None:
    """EC2 has forgotten it, or never knew it."""
    unknown = f"aws:///{REGION}a/i-0123456789abcdef0"
    assert cloud.machine(unknown) is Machine.GONE
    assert "InvalidInstanceID" in cloud.objection(unknown)
    with pytest.raises(NotFound):
        cloud.terminate(unknown, 5)


def test_without_credentials_nothing_is_sent(
    moto: str, tmp_path: Any, instance: str, ec2: Any
) -> None:
    """It is told before anything is done to the node."""
    core = botocore.session.Session()
    core.set_config_variable("config_file", str(tmp_path / "none"))
    core.set_config_variable("credentials_file", str(tmp_path / "none"))
    core.register_component("credential_provider", _NoCredentials())
    bare = Ec2(lambda: boto3.session.Session(botocore_session=core), moto)
    assert "credentials" in bare.objection(instance)
    with pytest.raises(NotSent):
        bare.terminate(instance, 5)
    assert states(ec2)[instance.rpartition("/")[2]] == "running"


class _NoCredentials:
    def load_credentials(self) -> None:
        return None


# ------------------------------------------------------------------ gone wrong

ERROR = (
    "<Response><Errors><Error><Code>{}</Code><Message>no</Message></Error></Errors>"
    "<RequestID>1</RequestID></Response>"
)


@contextmanager
def answering(answer: Callable[[Exchange], None]) -> Iterator[tuple[str, list[str]]]:
    """A server that answers every request so; its address, and what was asked."""
    asked: list[str] = []

    def serve(exchange: Exchange) -> None:
        asked.append(exchange.body().decode())
        answer(exchange)

    with serving(serve) as address:
        yield address, asked


def refusing(status: int, code: str) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.answer(ERROR.format(code).encode(), status)


def hanging_up(exchange: Exchange) -> None:
    """The request was heard, and its answer is lost."""
    exchange.close_connection = True
    exchange.connection.close()


ID = f"aws:///{REGION}a/i-0123456789abcdef0"


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (503, "RequestLimitExceeded", TooManyRequests),
        (403, "UnauthorizedOperation", Forbidden),
        (400, "OperationNotPermitted", Answered),
        (400, "InvalidInstanceID.NotFound", NotFound),
        (500, "InternalError", ServerFault),
        (503, "Unavailable", ServerFault),
    ],
)
def test_each_answer_is_told_apart_and_nothing_is_sent_twice(
    status: int, code: str, error: type[Exception]
) -> None:
    """A refusal is known to have done nothing; an inner error may have done it."""
    with answering(refusing(status, code)) as (address, asked):
        with pytest.raises(error):
            Ec2(session(), address).terminate(ID, 5)
        assert len(asked) == 1


def test_a_lost_answer_is_not_known_and_nothing_is_sent_twice() -> None:
    """The connection ends after the request: it may have been heard."""
    with answering(hanging_up) as (address, asked):
        with pytest.raises(Unanswered):
            Ec2(session(), address).terminate(ID, 5)
        assert len(asked) == 1


def test_a_server_that_is_not_there_has_heard_nothing() -> None:
    """No connection, no request."""
    with answering(hanging_up) as (address, _):
        pass
    with pytest.raises(NotSent):
        Ec2(session(), address).terminate(ID, 5)


# ------------------------------------------------------------------ the step of a drain


def step(instance: str) -> Step:
    victim = Victim("", "n1", "uid", "1", "n1", "Node", "", instance)
    return Step(1, victim, "a", 1, NOW, NOW + 10 * SECOND, action=StepAction.TERMINATE)


def test_what_had_no_answer_is_known_when_the_machine_ends(cloud: Ec2, instance: str) -> None:
    """It stays unknown while the request may still be heard; later, one that runs was spared."""
    mine = step(instance)
    assert node_cloud.fence([cloud], mine, NOW + 60 * SECOND).known is None
    late = NOW + 10 * SECOND + (cloud.settles_after + 1) * SECOND
    assert node_cloud.fence([cloud], mine, late).known is StepState.FAILED
    cloud.terminate(instance, 5)
    assert node_cloud.fence([cloud], mine, NOW).known is StepState.KILLED


def test_refusals_are_known(cloud: Ec2) -> None:
    """Throttled or unknown: nothing happened, and it is not sent again."""
    with answering(refusing(503, "RequestLimitExceeded")) as (address, asked):
        struck = node_cloud.strike([Ec2(session(), address)], step(ID), 5)
        assert struck.state is StepState.FAILED
        assert len(asked) == 1
    assert node_cloud.strike([], step(ID), 5).state is StepState.FAILED
    assert node_cloud.strike([cloud], step(ID), 5).state is StepState.FAILED

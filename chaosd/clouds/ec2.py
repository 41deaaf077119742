"""EC2: the machines of nodes whose provider ID is ``aws:///ZONE/i-...``.

It fits ``chaosd.targets.cloud.Cloud`` (rooms beside each other don't import each other).
Credentials are found as boto3 finds them; boto3 itself is imported when the first machine is asked
about, and comes with the extra ``aws``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chaosd.core.cloud import Machine
from chaosd.ports import (
    Answered,
    CallFailed,
    Forbidden,
    NotFound,
    NotSent,
    ServerFault,
    TooManyRequests,
    Unanswered,
)

_ID = re.compile(r"aws://[^/]*/(?P<zone>[a-z0-9-]+)/(?P<instance>i-[0-9a-f]+)")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+?-\d+")
_READ_TIMEOUT = 5.0
# https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
_THROTTLED = frozenset({"RequestLimitExceeded", "Throttling", "ThrottlingException"})
_MACHINES = {"shutting-down": Machine.GOING, "terminated": Machine.GONE}


class Ec2:
    """Machines at EC2, by the API of their region.

    ``session`` makes a boto3 session, ``endpoint`` replaces the region's own address.
    """

    # EC2 takes no request whose signature is older than five minutes, so that none can come later;
    # as much again is left for clocks that differ.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
    settles_after = 600.0

    def __init__(
        self, session: Callable[[], Any] | None = None, endpoint: str | None = None
    ) -> None:
        self._make = session or _session
        self._endpoint = endpoint

    def serves(self, provider_id: str) -> bool:
        """Whether it is an EC2 instance's ID."""
        return _ID.fullmatch(provider_id) is not None

    def objection(self, provider_id: str) -> str:
        """Why the machine can't be ended, as EC2's own dry run tells; "" when it can.

        Termination protection is told too. Raises CallFailed.
        """
        try:
            with self._calling(provider_id, _READ_TIMEOUT, tries=2) as (ec2, instance):
                kept = ec2.describe_instance_attribute(
                    InstanceId=instance, Attribute="disableApiTermination"
                )
                if kept["DisableApiTermination"].get("Value"):
                    return f"instance {instance} is protected from termination"
                ec2.terminate_instances(InstanceIds=[instance], DryRun=True)
        except (Forbidden, NotFound) as error:
            return str(error)
        except NotSent as error:
            return str(error)
        except Answered as error:
            # The answer of a dry run that would have been granted.
            return "" if error.reason == "DryRunOperation" else str(error)
        return ""

    def terminate(self, provider_id: str, timeout: float) -> None:
        """End that instance for good; sent once."""
        with self._calling(provider_id, timeout / 2, tries=1) as (ec2, instance):
            ec2.terminate_instances(InstanceIds=[instance])

    def machine(self, provider_id: str) -> Machine:
        """How that instance is now; EC2 forgets one about an hour after its end."""
        try:
            with self._calling(provider_id, _READ_TIMEOUT, tries=3) as (ec2, instance):
                found = ec2.describe_instances(InstanceIds=[instance])
        except NotFound:
            return Machine.GONE
        states = [
            one["State"]["Name"] for group in found["Reservations"] for one in group["Instances"]
        ]
        return _MACHINES.get(states[0], Machine.RUNNING) if states else Machine.GONE

    @contextmanager
    def _calling(self, provider_id: str, timeout: float, tries: int) -> Iterator[tuple[Any, str]]:
        """A client of the machine's region, and the instance's ID; errors become ours.

        ``timeout`` in seconds is for connecting, and again for the answer.
        """
        match = _ID.fullmatch(provider_id)
        region = _REGION.match(match["zone"]) if match else None
        if match is None or region is None:
            raise NotSent(f"{provider_id!r} is not like aws:///eu-west-1a/i-0abc")
        with _translated():
            from botocore.config import Config  # noqa: PLC0415 - only who uses it pays for it

            config = Config(
                connect_timeout=timeout,
                read_timeout=timeout,
                retries={"mode": "standard", "total_max_attempts": tries},
            )
            client = self._make().client(
                "ec2", region_name=region[0], endpoint_url=self._endpoint, config=config
            )
            try:
                yield client, match["instance"]
            finally:
                client.close()


def _session() -> Any:
    import boto3  # noqa: PLC0415 - an extra, and slow to import

    return boto3.session.Session()


@contextmanager
def _translated() -> Iterator[None]:
    """What boto3 raises, in our words."""
    try:
        from botocore import exceptions as aws  # noqa: PLC0415 - as above
    except ImportError as error:
        raise NotSent('boto3 is not installed: pip install "chaosd[aws]"') from error
    try:
        yield
    except aws.ClientError as error:
        raise _answered(error) from error
    except (aws.ConnectTimeoutError, aws.EndpointConnectionError) as error:
        raise NotSent(str(error)) from error
    except aws.HTTPClientError as error:
        raise Unanswered(str(error)) from error
    except aws.BotoCoreError as error:
        # Among them NoCredentialsError: nothing is sent without a signature.
        raise NotSent(str(error)) from error


def _answered(error: Any) -> CallFailed:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _THROTTLED:
        return TooManyRequests(status, code, message)
    if code.startswith("InvalidInstanceID"):
        return NotFound(status, code, message)
    if status >= 500 or status == 0:
        return ServerFault(status, code, message)
    if status in (401, 403):
        return Forbidden(status, code, message)
    return Answered(status, code, message)

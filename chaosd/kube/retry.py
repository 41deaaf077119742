"""When a read is asked again. Nothing that changes the world ever is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import stamina
from msgspec import Struct

from chaosd.ports import CallFailed, Clock, NotSent, ServerFault, TooManyRequests, Unanswered

T = TypeVar("T")


class RetryPolicy(Struct, frozen=True):
    """Exponential backoff with jitter, in seconds of the clock, of which each takes ``pace`` real
    ones.

    No further attempt starts ``deadline`` real seconds after the first (a request takes as long as
    it takes, however fast the clock runs), nor is a ``Retry-After`` waited for past it.
    """

    attempts: int = 4
    deadline: float = 20.0
    wait_initial: float = 0.2
    wait_max: float = 5.0
    wait_jitter: float = 0.5
    pace: float = 1.0


NO_RETRIES = RetryPolicy(attempts=1)

# By default stamina prints each retry (on stdout, where --output json goes) and makes a metric of
# its own; every request is counted by the Api's `observe` already.
stamina.instrumentation.set_on_retry_hooks(())


def retried(ask: Callable[[], T], policy: RetryPolicy, clock: Clock) -> T:
    """The answer of ``ask``, asked again after failures that may pass.

    With one attempt nothing waits. Raises what the last attempt raised.
    """
    if policy.attempts <= 1:
        return ask()
    started = clock.boot()

    def wait_for(error: Exception) -> bool | float:
        left = policy.deadline - (clock.boot() - started) * policy.pace
        if not may_pass(error):
            return False
        if isinstance(error, TooManyRequests | ServerFault) and error.retry_after is not None:
            wait = error.retry_after * policy.pace
            return wait if wait < left else False
        return True

    caller = stamina.RetryingCaller(
        attempts=policy.attempts,
        timeout=policy.deadline,
        wait_initial=policy.wait_initial * policy.pace,
        wait_max=policy.wait_max * policy.pace,
        wait_jitter=policy.wait_jitter * policy.pace,
    )
    return caller(wait_for, ask)


def may_pass(error: Exception) -> bool:
    """Whether the same read may well succeed a moment later."""
    return isinstance(error, CallFailed) and isinstance(
        error, NotSent | Unanswered | ServerFault | TooManyRequests
    )

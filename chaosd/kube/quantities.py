"""From quantities as the API writes them (``100m``, ``2Gi``) to numbers.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

from __future__ import annotations

import math
from decimal import Decimal
from functools import lru_cache

from chaosd.calls import Unanswered
from chaosd.core.facts import Resources
from chaosd.kube.records import Quantities


@lru_cache(maxsize=4096)
def amount(text: str, scale: int = 1) -> int:
    """``scale`` times a quantity, rounded up as the scheduler does; 0 for "".

    Raises Unanswered for what is no quantity: an answer that can't be understood.
    """
    if not text:
        return 0
    # Importing it brings the whole client along, which signing in has done already.
    from kubernetes.utils.quantity import parse_quantity  # noqa: PLC0415

    try:
        number: Decimal = parse_quantity(text)
        return math.ceil(number * scale)
    except (ValueError, ArithmeticError) as error:
        raise Unanswered(f"can't read the quantity {text!r}: {error}") from error


def resources(of: Quantities | None) -> Resources:
    """CPU, memory and pods; all of them 0 where nothing is said."""
    if of is None:
        return Resources()
    return Resources(amount(of.cpu, 1000), amount(of.memory), amount(of.pods))

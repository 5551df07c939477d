"""How long a system takes to answer, request by request."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

Request = TypeVar("Request")


def latencies(
    answer: Callable[[Request], object],
    requests: Sequence[Request],
    repeats: int = 5,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, ...]:
    """Milliseconds that each request takes, for ``Run.latency_ms``.

    All requests are answered once unmeasured, then ``repeats`` times in turns; each gets its
    smallest time. What disturbs a machine only ever adds, and turns spread a slow minute over all
    requests.

    Args:
        answer: the system; called with one request.
        requests: at least one.
        repeats: at least 1.
        clock: seconds; replaced in tests.

    Raises:
        ValueError: no request, or fewer than one repeat.
    """
    if not requests or repeats < 1:
        raise ValueError("latencies need at least one request and one repeat")
    for request in requests:
        answer(request)
    best = [float("inf")] * len(requests)
    for _ in range(repeats):
        for number, request in enumerate(requests):
            began = clock()
            answer(request)
            best[number] = min(best[number], clock() - began)
    return tuple(1000 * seconds for seconds in best)

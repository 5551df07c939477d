"""Latencies, by a clock that the test turns."""

import pytest

from actlab.evaluation.latency import latencies


def test_each_request_gets_its_smallest_time_after_a_round_unmeasured():
    now, slow, asked = [0.0], iter([9.0, 9.0, 0.25, 0.5, 0.125, 1.0]), []

    def answer(request):
        asked.append(request)
        now[0] += next(slow)

    found = latencies(answer, ["a", "b"], repeats=2, clock=lambda: now[0])
    assert found == (125.0, 500.0)
    assert asked == ["a", "b"] * 3


@pytest.mark.parametrize(("requests", "repeats"), [([], 1), (["a"], 0)])
def test_nothing_to_measure_is_named(requests, repeats):
    with pytest.raises(ValueError, match="at least one"):
        latencies(len, requests, repeats)

"""The byte counts: of single operations, of the catalogue, and the ratios the course quotes."""

import pytest
import torch
import torch.nn.functional as F

from actlab import bench
from actlab.bench.byte_model import ByteCounter, count, predict_seconds, stored_bytes
from actlab.bench.cases import all_cases

torch.set_num_threads(1)
N = 1000
TENSOR = 4 * N


def traffic_of(run) -> list[tuple[str, int, int]]:
    with ByteCounter() as counter:
        run()
    return [(op.name, op.read, op.written) for op in counter.operations]


@pytest.fixture
def x():
    return torch.randn(N)


def test_an_operation_reads_its_inputs_and_writes_its_output(x):
    y = torch.randn(N)
    assert traffic_of(lambda: x + y) == [("add", 2 * TENSOR, TENSOR)]


def test_a_tensor_used_twice_is_read_once(x):
    assert traffic_of(lambda: x * x) == [("mul", TENSOR, TENSOR)]


def test_views_and_bare_allocations_move_nothing(x):
    assert traffic_of(lambda: x.view(10, 100).t().unsqueeze(0).expand(3, 100, 10).detach()) == []
    assert traffic_of(lambda: torch.empty_like(x)) == []


def test_in_place_reads_and_writes_the_same_memory(x):
    assert traffic_of(lambda: x.mul_(2)) == [("mul_", TENSOR, TENSOR)]
    assert traffic_of(lambda: x.add_(torch.ones(N)))[-1] == ("add_", 2 * TENSOR, TENSOR)


def test_targets_that_are_overwritten_are_not_read(x):
    out = torch.empty(N)
    assert traffic_of(lambda: out.copy_(x)) == [("copy_", TENSOR, TENSOR)]
    assert traffic_of(lambda: torch.sigmoid(x, out=out)) == [("sigmoid", TENSOR, TENSOR)]
    assert traffic_of(lambda: out.zero_()) == [("zero_", 0, TENSOR)]
    assert traffic_of(lambda: torch.zeros_like(x)) == [("zeros_like", 0, TENSOR)]


def test_expanded_tensors_count_the_memory_that_exists(x):
    row = torch.randn(1, 10).expand(100, 10)
    assert stored_bytes(row) == 40
    [(_, read, written)] = traffic_of(lambda: torch.exp(row))
    assert (read, written) == (40, 4000)


def test_a_reshape_that_has_to_copy_is_counted():
    wide = torch.randn(20, 50)
    assert traffic_of(lambda: wide.t().reshape(-1)) == [("clone", TENSOR, TENSOR)]


def test_masks_count_one_byte(x):
    assert traffic_of(lambda: x > 0) == [("gt", TENSOR, N)]


def test_noise_that_evaluation_ignores_is_not_counted(x):
    assert bench.traffic("rrelu", "builtin").per_element("forward") == 2
    training = count(lambda t: F.rrelu(t, training=True), x)
    assert training.per_element("forward") == 3


# Published counts, and what a Transformer's feed-forward layer pays: the numbers of the chapters.
@pytest.mark.parametrize(
    ("function", "implementation", "forward", "backward"),
    [
        ("relu", "builtin", 2, 3),
        ("gelu", "builtin", 2, 3),
        ("relu2", "composed", 4, 10),
        ("leaky_relu2", "composed", 4, 10),
        ("swiglu", "composed", 5, 9),
        ("gelu_tanh", "composed", 18, 28),
        ("relu2", "fused", 2, 3),
        ("swiglu", "fused", 3, 5),
    ],
)
def test_counts_in_tensors_per_element(function, implementation, forward, backward):
    counted = bench.traffic(function, implementation)
    assert counted.per_element("forward") == forward
    assert counted.per_element("backward") == backward
    assert counted.per_element("both") == forward + backward


@pytest.mark.parametrize(
    ("function", "mode", "ratio"),
    [
        ("relu2", "forward", 2.0),
        ("relu2", "backward", 10 / 3),
        ("relu2", "both", 2.8),
        ("swiglu", "forward", 5 / 3),
        ("swiglu", "backward", 1.8),
        ("swiglu", "both", 1.75),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_predicted_ratio_of_eager_to_fused(function, mode, ratio, dtype):
    assert bench.predicted_ratio(function, mode, dtype=dtype) == pytest.approx(ratio, rel=1e-12)


def test_the_count_follows_the_formula_not_a_table():
    x = torch.randn(N)
    once = count(lambda t: F.relu(t).square(), x)
    twice = count(lambda t: (F.relu(t) * 1.0).square(), x)
    assert twice.physical("forward") == once.physical("forward") + 2 * TENSOR


@pytest.mark.parametrize("item", all_cases(), ids=lambda item: item.name)
def test_a_fused_operator_moves_exactly_the_algorithmic_bytes(item):
    fused = bench.traffic(item.name, "fused")
    assert fused.forward.launches == fused.backward.launches == 1
    for mode in ("forward", "backward", "both"):
        assert fused.physical(mode) == fused.algorithmic(mode)
    assert set(fused.saved_kinds) == {"input"}


@pytest.mark.parametrize(
    ("function", "implementation", "per_element", "kinds"),
    [
        ("relu", "builtin", 4, {"output"}),
        ("sigmoid", "builtin", 4, {"output"}),
        ("gelu", "builtin", 4, {"input"}),
        ("leaky_relu2", "composed", 8, {"input", "intermediate"}),
        ("swiglu", "composed", 12, {"input", "intermediate"}),
        ("swiglu", "composed_packed", 12, {"input", "intermediate"}),
        ("relu", "composed", 1, {"intermediate"}),
    ],
)
def test_bytes_kept_for_the_backward_pass(function, implementation, per_element, kinds):
    counted = bench.traffic(function, implementation)
    assert counted.saved / counted.elements == per_element
    assert set(counted.saved_kinds) == kinds


def test_counting_changes_nothing(x):
    before = x.clone()
    count(lambda t: F.relu(t), x)
    assert torch.equal(x, before)
    assert not x.requires_grad


def test_prediction_scales_a_measured_copy():
    assert predict_seconds(moved=10, copied=2, copy_seconds=3.0) == 15.0


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="relu"):
        bench.traffic("relo")
    with pytest.raises(ValueError, match="choose from"):
        bench.traffic("relu", "magic")
    with pytest.raises(ValueError, match="no builtin"):
        bench.predicted_ratio("relu2", implementation="builtin")
    with pytest.raises(ValueError, match="unknown mode"):
        bench.traffic("relu").physical("sideways")


def test_prediction_text_is_the_same_twice_and_holds_the_ratio():
    text = bench.prediction(["relu2", "swiglu"])
    assert text == bench.prediction(["relu2", "swiglu"])
    line = next(line for line in text.splitlines() if "composed" in line)
    assert line.split()[2:8] == ["4", "10", "14", "2.00", "3.33", "2.80"]

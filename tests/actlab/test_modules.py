"""The torch modules: right values, right gradients of first and second order, little memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from functions_reference import OTHER
from torch import nn
from torch.autograd import gradcheck, gradgradcheck

from actlab.functions import CATALOGUE, get, leaky_relu2, leaky_relu2_derivative, silu
from actlab.modules import (
    GatedActivation,
    GatedFeedForward,
    LeakyReLU2,
    ReLU2,
    Swish,
    module_for,
    torch_equivalent,
)

GATED = [name for name, entry in CATALOGUE.items() if entry.kind == "gated"]


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def away_from_zero(*shape: int, seed: int = 0) -> torch.Tensor:
    """float64 points with |x| in [0.1, 3]: finite differences must not straddle a kink."""
    generator = torch.Generator().manual_seed(seed)
    size = 0.1 + 2.9 * torch.rand(*shape, generator=generator, dtype=torch.float64)
    sign = torch.where(torch.rand(*shape, generator=generator) < 0.5, -1.0, 1.0)
    return (size * sign).requires_grad_()


def saved_tensors(function, *inputs: torch.Tensor) -> list[torch.Tensor]:
    saved = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: saved.append(t) or t, lambda t: t):
        function(*inputs)
    return saved


MODULES = [
    pytest.param(lambda: ReLU2(), (4, 5), id="relu2-input"),
    pytest.param(lambda: ReLU2(save="output"), (4, 5), id="relu2-output"),
    pytest.param(lambda: LeakyReLU2(), (4, 5), id="leaky_relu2"),
    pytest.param(lambda: LeakyReLU2(slope=-0.3), (4, 5), id="leaky_relu2-negative"),
    pytest.param(lambda: Swish(beta=1.7).double(), (4, 5), id="swish"),
    pytest.param(lambda: Swish(0.6, channels=3).double(), (2, 3, 2), id="swish-channels"),
    *[
        pytest.param(lambda gate=gate: GatedActivation(gate), (3, 4), id=f"{gate}-packed")
        for gate in GATED
    ],
]


@pytest.mark.parametrize(("make", "shape"), MODULES)
def test_first_and_second_derivatives(make, shape):
    module = make()
    x = away_from_zero(*shape)
    assert gradcheck(module, (x,))
    assert gradgradcheck(module, (x,))


@pytest.mark.parametrize("gate", GATED)
def test_gate_of_two_inputs_broadcasts(gate):
    a, b = away_from_zero(3, 4, seed=1), away_from_zero(4, seed=2)
    assert gradcheck(GatedActivation(gate), (a, b))


def test_swish_learns_its_beta():
    swish = Swish(beta=1.3, channels=3).double()
    x = away_from_zero(2, 3, 4)

    def of_beta(beta):
        return torch.func.functional_call(swish, {"beta": beta}, (x,))

    assert gradcheck(of_beta, (swish.beta,))
    assert gradgradcheck(of_beta, (swish.beta,))


def test_fixed_swish_has_no_parameter():
    assert list(Swish(learnable=False).parameters()) == []
    assert "beta" in Swish(learnable=False).state_dict()


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5, -2.0])
def test_leaky_square_agrees_with_numpy(slope):
    x = np.linspace(-4, 4, 81)
    t = torch.tensor(x, requires_grad=True)
    y = LeakyReLU2(slope)(t)
    y.sum().backward()
    np.testing.assert_allclose(y.detach(), leaky_relu2(x, slope), rtol=1e-15)
    np.testing.assert_allclose(t.grad, leaky_relu2_derivative(x, slope), rtol=1e-15)


def test_squares_are_flat_at_zero():
    for module in (ReLU2(), ReLU2(save="output"), LeakyReLU2()):
        x = torch.zeros(3, requires_grad=True)
        module(x).sum().backward()
        assert x.grad.tolist() == [0, 0, 0]


def test_squares_reach_their_limits():
    x = torch.tensor([-torch.inf, torch.inf, torch.nan])
    assert ReLU2()(x)[:2].tolist() == [0, torch.inf]
    assert LeakyReLU2()(x)[:2].tolist() == [torch.inf, torch.inf]
    assert ReLU2()(x)[2].isnan()


def test_relu2_recovers_every_bfloat16_from_its_output():
    bits = torch.arange(2**16, dtype=torch.int32).to(torch.int16)
    x = bits.view(torch.bfloat16)
    square = x.float().square()
    normal = (x > 0) & (square >= torch.finfo(torch.bfloat16).tiny)
    x = x[normal & torch.isfinite(square.to(torch.bfloat16))]
    assert len(x) > 16_000
    gradients = []
    for save in ("input", "output"):
        t = x.clone().requires_grad_()
        ReLU2(save)(t).sum().backward()
        gradients.append(t.grad)
    assert torch.equal(*gradients)


def test_relu2_output_variant_fails_where_it_says():
    x = torch.tensor([1e-4, 300.0], dtype=torch.float16, requires_grad=True)
    ReLU2(save="output")(x).sum().backward()
    assert x.grad[0] == 0
    assert torch.isinf(x.grad[1])


@pytest.mark.parametrize(
    ("make", "shapes", "inputs_only"),
    [
        (lambda: ReLU2(), [(64,)], True),
        (lambda: LeakyReLU2(), [(64,)], True),
        (lambda: ReLU2(save="output"), [(64,)], False),
        (lambda: Swish(), [(64,)], True),
        (lambda: GatedActivation("swiglu"), [(64,), (64,)], True),
        (lambda: GatedActivation("geglu"), [(64,), (64,)], True),
    ],
)
def test_nothing_large_is_saved_beside_inputs_or_output(make, shapes, inputs_only):
    module = make()
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    large = [t for t in saved_tensors(module, *inputs) if t.numel() > 1]
    assert len(large) == len(shapes)
    pointers = {t.data_ptr() for t in inputs}
    assert all((t.data_ptr() in pointers) == inputs_only for t in large)


def test_packed_order_is_ours_or_that_of_torch():
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    ours = GatedActivation("glu")(x)
    theirs = GatedActivation("glu", gate_first=False)(x)
    torch.testing.assert_close(ours, torch.sigmoid(x[:, :4]) * x[:, 4:])
    torch.testing.assert_close(theirs, nn.functional.glu(x))
    along = GatedActivation("glu", dim=0, gate_first=False)(x.T)
    torch.testing.assert_close(along, theirs.T)


def test_gated_feed_forward_matches_the_parameters_of_an_ungated_block():
    features = 96
    gated = sum(p.numel() for p in GatedFeedForward(features).parameters())
    assert gated == 2 * features * 4 * features
    block = GatedFeedForward(features, hidden=10, gate="reglu", bias=True)
    x = torch.randn(2, 7, features)
    a, b = block.inner(x).chunk(2, dim=-1)
    torch.testing.assert_close(block(x), block.outer(torch.relu(a) * b))


def points(dtype=torch.float64) -> torch.Tensor:
    return torch.cat(
        [torch.linspace(-8, 8, 201), torch.tensor([-3.0, 0.0, 3.0, 6.0, -40.0, 15.0])]
    ).to(dtype)


OTHER_PARAMETERS = {
    **{name: values[0] for name, values in OTHER.items()},
    "clamped_swiglu": {"alpha": 1.3, "limit": 2.5},
    "softmax": {"temperature": 0.7},
    "log_softmax": {"temperature": 3.0},
}


@pytest.mark.parametrize("name", CATALOGUE)
@pytest.mark.parametrize("which", ["default", "other"])
def test_equivalent_and_module_agree_with_numpy(name, which):
    entry = get(name)
    parameters = OTHER_PARAMETERS.get(name, {}) if which == "other" else {}
    assert set(parameters) == (set(entry.defaults) if which == "other" else set())
    x = points()
    inputs = (x, x.flip(0)) if entry.kind == "gated" else (x,)
    expected = entry.forward(*[t.numpy() for t in inputs], **parameters)
    # softplus is x from βx = 20 on in torch: 2e-9 too little, and log1p(1e-9)/β off at most.
    tolerance = {"rtol": 1e-8 if name == "softplus" else 1e-12, "atol": 1e-14}
    got = torch_equivalent(name, **parameters)(*inputs)
    assert got.dtype == torch.float64
    np.testing.assert_allclose(got.numpy(), expected, **tolerance)
    module = module_for(name, **parameters).double().eval()
    if entry.parameters and entry.kind == "elementwise":
        tolerance = {"rtol": 1e-6, "atol": 1e-7}  # a parameter that is stored as float32
    np.testing.assert_allclose(module(*inputs).detach().numpy(), expected, **tolerance)


def test_vector_kind_takes_an_axis():
    x = torch.randn(3, 4, 5, dtype=torch.float64)
    for name in ("softmax", "log_softmax"):
        expected = get(name).forward(x.numpy(), axis=1, temperature=2.0)
        for make in (torch_equivalent, module_for):
            got = make(name, axis=1, temperature=2.0)(x)
            np.testing.assert_allclose(got.numpy(), expected, rtol=1e-13)


def test_swish_channels_lie_on_axis_one():
    swish = Swish(channels=3)
    with torch.no_grad():
        swish.beta.copy_(torch.tensor([0.5, 1.0, 2.0]))
    x = torch.randn(2, 3, 4, 5)
    beta = np.array([0.5, 1.0, 2.0])[:, None, None]
    np.testing.assert_allclose(swish(x).detach(), silu(x.numpy(), beta=beta), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: torch_equivalent("relu", slope=1), TypeError, "relu has no parameter 'slope'"),
        (lambda: torch_equivalent("celu", alpha=-1), ValueError, "greater than 0"),
        (lambda: torch_equivalent("rlu"), ValueError, "did you mean"),
        (lambda: module_for("swiglu", beta=2), TypeError, "no parameter 'beta'"),
        (lambda: LeakyReLU2(float("nan")), ValueError, "finite"),
        (lambda: ReLU2(save="both"), ValueError, "'input' or 'output'"),
        (lambda: Swish(channels=0), ValueError, "at least 1"),
        (lambda: Swish(channels=3)(torch.ones(2, 4)), ValueError, "3 channels"),
        (lambda: GatedActivation("siglu"), ValueError, "one of glu"),
        (lambda: GatedActivation()(torch.ones(2, 3)), ValueError, "even size"),
        (lambda: GatedFeedForward(0), ValueError, "at least 1"),
    ],
)
def test_bad_arguments_raise_one_sentence(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_representations_name_what_matters():
    assert repr(LeakyReLU2(0.25)) == "LeakyReLU2(slope=0.25)"
    assert "geglu" in repr(GatedActivation("geglu"))
    assert "learnable" in repr(Swish())
    assert "temperature=2" in repr(module_for("softmax", temperature=2))
    assert "output" in repr(ReLU2("output"))

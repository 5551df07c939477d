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
    XIELU,
    GatedActivation,
    GatedFeedForward,
    LeakyReLU2,
    ReLU2,
    Snake,
    StarReLU,
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
    pytest.param(lambda: StarReLU(1.3, 0.2).double(), (4, 5), id="star_relu"),
    pytest.param(lambda: Snake(1.7).double(), (4, 5), id="snake"),
    pytest.param(lambda: XIELU(0.6, 1.1).double(), (4, 5), id="xielu"),
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


LEARNED = {
    "star_relu": (StarReLU, {"scale": 1.3, "bias": 0.2}),
    "snake": (Snake, {"alpha": 1.7}),
    "xielu": (XIELU, {"alpha_p": 0.6, "alpha_n": 1.1}),
}


@pytest.mark.parametrize("name", LEARNED)
def test_a_learned_module_starts_where_it_is_told_and_learns_all_of_it(name):
    make, values = LEARNED[name]
    module = make(**values).double()
    x = away_from_zero(3, 4)
    np.testing.assert_allclose(
        module(x).detach(), get(name).forward(x.detach().numpy(), **values), rtol=1e-6, atol=1e-7
    )
    names = [key for key, _ in module.named_parameters()]
    assert len(names) == len(get(name).parameters)

    def of_parameters(*numbers):
        return torch.func.functional_call(module, dict(zip(names, numbers, strict=True)), (x,))

    assert gradcheck(of_parameters, tuple(module.parameters()))
    assert gradgradcheck(of_parameters, tuple(module.parameters()))
    fixed = make(**values, learnable=False).double()
    assert list(fixed.parameters()) == []
    torch.testing.assert_close(fixed(x), module(x), rtol=1e-6, atol=1e-7)
    assert (repr(fixed), repr(module)) == (f"{make.__name__}(fixed)", f"{make.__name__}(learnable)")


@pytest.mark.parametrize("name", LEARNED)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_learned_module_rounds_once_and_has_its_limits(name, dtype):
    make, _ = LEARNED[name]
    x = torch.cat([torch.linspace(-9, 9, 361), torch.tensor([-torch.inf, torch.inf])]).to(dtype)
    x.requires_grad_()
    y = make()(x)
    (dx,) = torch.autograd.grad(y, x, torch.ones_like(y))
    wide = x.detach().double().numpy()
    for got, which in ((y.detach(), "forward"), (dx, "derivative")):
        assert got.dtype == dtype
        exact = getattr(get(name), which)(wide)
        near = {"rtol": max(torch.finfo(dtype).eps, 5e-7), "atol": 1e-6}
        np.testing.assert_allclose(got.double(), exact, **near)


def test_xielus_second_slope_starts_above_what_is_added_to_it():
    with pytest.raises(ValueError, match="a learned alpha_n must start above"):
        XIELU(alpha_n=0.5)
    assert XIELU(alpha_n=0.5, learnable=False)(torch.tensor(-torch.inf)) == -0.5
    assert not list(module_for("xielu", alpha_n=0.4).parameters())


def test_the_clamped_swiglu_is_that_of_gpt_oss():
    """Its own three lines, on what it packs in turns."""
    packed = 6 * torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    a, b = packed[:, ::2].clamp(max=7.0), packed[:, 1::2].clamp(-7.0, 7.0)
    theirs = a * torch.sigmoid(1.702 * a) * (b + 1)
    ours = GatedActivation("clamped_swiglu")(packed[:, ::2], packed[:, 1::2])
    torch.testing.assert_close(ours, theirs)
    assert "alpha=1.702, limit=7" in repr(GatedActivation("clamped_swiglu"))


@pytest.mark.parametrize("make", [GatedActivation, torch_equivalent])
def test_the_ends_of_the_clamp_pass_a_gradient_and_what_lies_beyond_does_not(make):
    a = torch.tensor([7.0, 7.5, 2.0, 2.0, 2.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([2.0, 2.0, 7.0, 7.5, -7.5], dtype=torch.float64, requires_grad=True)
    make("clamped_swiglu")(a, b).sum().backward()
    by_a, by_b = get("clamped_swiglu").partials(a.detach().numpy(), b.detach().numpy())
    np.testing.assert_allclose(a.grad, by_a, rtol=1e-14)
    np.testing.assert_allclose(b.grad, by_b, rtol=1e-14)
    assert [(g == 0).item() for g in a.grad] == [False, True, False, False, False]
    assert [(g == 0).item() for g in b.grad] == [False, False, False, True, True]


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
        (lambda: StarReLU(), [(64,)], True),
        (lambda: Snake(), [(64,)], True),
        (lambda: XIELU(), [(64,)], True),
        (lambda: GatedActivation("clamped_swiglu"), [(64,), (64,)], True),
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

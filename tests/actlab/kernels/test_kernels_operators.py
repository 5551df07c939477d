"""The kernels as operators: gradients, compilation, layouts, memory kept, mistakes."""

from __future__ import annotations

import pytest

from actlab.functions import CATALOGUE, get

ELEMENTWISE = [name for name, entry in CATALOGUE.items() if entry.kind == "elementwise"]
GATED = [name for name, entry in CATALOGUE.items() if entry.kind == "gated"]

pytestmark = pytest.mark.interpreted


def away_from_kinks(name: str, count: int = 12):
    """float64 inputs with room for a central difference."""
    import torch

    generator = torch.Generator().manual_seed(0)
    x = 3 * torch.randn(count, dtype=torch.float64, generator=generator)
    for kink in get(name).kinks():
        x = torch.where((x - kink).abs() < 0.01, x + 0.1, x)
    return x.requires_grad_()


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradcheck(name):
    from torch.autograd import gradcheck

    from actlab import kernels

    assert gradcheck(lambda x: kernels.apply(name, x), (away_from_kinks(name),))


@pytest.mark.parametrize("slope", [0.5, 0.3, -0.75])
@pytest.mark.parametrize("save", ["input", "output"])
def test_gradcheck_of_the_square_with_any_slope(slope, save):
    from torch.autograd import gradcheck

    from actlab import kernels

    x = away_from_kinks("leaky_relu2")
    assert gradcheck(lambda x: kernels.leaky_relu2(x, slope, save), (x,))


@pytest.mark.parametrize("name", [*GATED, "softmax", "log_softmax", "bias", "linear", "prelu"])
def test_gradcheck_of_the_others(name):
    import torch
    from torch.autograd import gradcheck

    from actlab import kernels

    generator = torch.Generator().manual_seed(0)

    def draw(*shape):
        values = torch.randn(shape, dtype=torch.float64, generator=generator)
        return (values + 0.05 * values.sign()).requires_grad_()

    if name == "bias":
        function, inputs = (
            (lambda x, b: kernels.bias_activation("gelu", x, b)),
            (draw(3, 4), draw(4)),
        )
    elif name == "linear":
        function, inputs = kernels.linear_leaky_relu2, (draw(2, 3), draw(4, 3), draw(4))
    elif name == "prelu":
        function, inputs = kernels.prelu, (draw(2, 3, 2), draw(3))
    else:
        function, inputs = (lambda x: kernels.apply(name, x)), (draw(2, 6),)
    assert gradcheck(function, inputs)


def test_operators_are_registered_as_torch_wants_them():
    """Schema, fake tensors (shapes and strides without data) and autograd, by torch's own check."""
    import torch
    from torch.library import opcheck

    from actlab import kernels
    from actlab.kernels import bias, gated, learned, linear, rows, squares
    from actlab.kernels.elementwise import OPERATORS

    assert kernels.available()[0]
    x = torch.randn(6, 4).t().requires_grad_()
    packed = torch.randn(3, 8, requires_grad=True)
    for operator, arguments in (
        (OPERATORS["gelu"], (x, 0.0, 0.0)),
        (OPERATORS["relu"], (x, 0.0, 0.0)),
        (rows.OPERATORS["softmax"], (packed, 1.0)),
        (gated.PACKED["swiglu"], (packed, True)),
        (gated.SEPARATE["swiglu"], (packed, packed.detach().clone().requires_grad_())),
        (squares._operator, (x, 0.5)),
        (squares._unsigned_operator, (x,)),
        (bias.operator, (packed, torch.randn(8, requires_grad=True), "gelu", 0.0, 0.0)),
        (learned.prelu, (packed, torch.rand(1, requires_grad=True))),
        (learned.rrelu, (packed, 0.1, 0.3, 5)),
        (linear._operator, (packed, torch.randn(5, 8, requires_grad=True), None, 0.5, True)),
    ):
        opcheck(operator.overload, arguments)


def test_compiled_code_computes_the_same():
    import torch

    from actlab import kernels

    def block(x, weight):
        hidden = kernels.apply("gelu", x @ weight)
        return kernels.softmax(kernels.swiglu(hidden), temperature=2.0) * 3

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(5, 6, generator=generator)
    weight = torch.randn(6, 8, generator=generator).requires_grad_()
    g = torch.randn(5, 4, generator=generator)
    compiled = torch.compile(block, backend="aot_eager", fullgraph=True)
    (wanted,) = torch.autograd.grad(block(x, weight), weight, g)
    (got,) = torch.autograd.grad(compiled(x, weight), weight, g)
    torch.testing.assert_close(compiled(x, weight), block(x, weight))
    torch.testing.assert_close(got, wanted)


def test_a_second_derivative_is_refused_and_not_zero():
    import torch

    from actlab import kernels

    x = torch.randn(8, requires_grad=True)
    (first,) = torch.autograd.grad(kernels.apply("silu", x).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="can be differentiated once"):
        torch.autograd.grad(first.sum(), x)


def saved_bytes(function, *inputs):
    """Bytes that autograd keeps for the backward pass, inputs that exist anyway left out."""
    import torch

    owned = {tensor.untyped_storage().data_ptr() for tensor in inputs}
    kept = {}

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in owned:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        y = function(*inputs)
    kept.pop(y.untyped_storage().data_ptr(), None)
    return sum(kept.values())


def test_nothing_is_kept_but_the_input_or_the_output():
    import torch

    from actlab import kernels

    x = torch.randn(1024, requires_grad=True)
    for name in ELEMENTWISE:
        assert saved_bytes(lambda x, name=name: kernels.apply(name, x), x) == 0, name
    packed = torch.randn(4, 512, requires_grad=True)
    for name in GATED:
        assert saved_bytes(lambda x, name=name: kernels.apply(name, x), packed) == 0, name
    assert saved_bytes(lambda x: kernels.rrelu(x, seed=1), x) == 0
    # y, which the next layer keeps, and one bit an element.
    assert saved_bytes(lambda x: kernels.leaky_relu2(x, save="output"), x) == 1024 // 8


def test_dense_layouts_are_kept_and_others_copied():
    import torch

    from actlab import kernels
    from actlab.kernels.elementwise import dense

    image = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert dense(image).data_ptr() == image.data_ptr()
    y = kernels.apply("silu", image)
    assert y.stride() == image.stride()
    torch.testing.assert_close(y, torch.nn.functional.silu(image))
    strided = torch.randn(10, 10)[::2, ::3]
    torch.testing.assert_close(kernels.apply("silu", strided), torch.nn.functional.silu(strided))
    expanded = torch.randn(1, 7).expand(3, 7)
    torch.testing.assert_close(kernels.apply("relu", expanded), expanded.relu())
    x = torch.randn(3, 5, requires_grad=True)
    kernels.apply("mish", x).sum().backward()  # an upstream gradient with strides of 0
    wanted = torch.autograd.grad(torch.nn.functional.mish(x).sum(), x)[0]
    torch.testing.assert_close(x.grad, wanted)
    scalar = torch.tensor(2.0)
    assert kernels.apply("relu2", scalar).shape == ()
    assert kernels.softmax(scalar) == 1


def test_many_programs_and_a_ragged_end():
    import torch

    from actlab import kernels
    from actlab.kernels import launch

    x = torch.randn(1003)
    with launch.override(interpreted_block=128):
        torch.testing.assert_close(
            kernels.apply("gelu_tanh", x),
            torch.nn.functional.gelu(x, approximate="tanh"),
            atol=1e-6,
            rtol=1e-5,
        )
        y = kernels.leaky_relu2(x, 0.5, save="output")
        a = kernels.rrelu(x, seed=3)
    torch.testing.assert_close(y, torch.nn.functional.leaky_relu(x, 0.5).square())
    # What is drawn for an element does not depend on how the tensor is cut.
    torch.testing.assert_close(a, kernels.rrelu(x, seed=3))


def test_inputs_stay_as_they_are():
    import torch

    from actlab import kernels

    x = torch.randn(64, requires_grad=True)
    before = x.detach().clone()
    y = kernels.apply("silu", x)
    g = torch.ones_like(y)
    for _ in range(2):  # twice from one graph: a backward pass in place would spoil the second
        (dx,) = torch.autograd.grad(y, x, g, retain_graph=True)
    torch.testing.assert_close(x.detach(), before)
    torch.testing.assert_close(g, torch.ones_like(g))
    torch.testing.assert_close(dx, torch.autograd.grad(torch.nn.functional.silu(x), x, g)[0])


def test_variants_compute_what_they_vary():
    import torch

    from actlab import kernels

    x = torch.linspace(-4, 4, 1001)
    for variant, name in kernels.variants().items():
        torch.testing.assert_close(
            kernels.apply(variant, x), kernels.apply(name, x), atol=1e-5, rtol=1e-4
        )
    from actlab.kernels.formulas import FORMULAS

    assert set(kernels.variants()) <= set(FORMULAS)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        ("kernels.apply('geluu', x)", ValueError, "did you mean gelu"),
        ("kernels.apply('gelu_by_er', x)", ValueError, "did you mean gelu"),
        ("kernels.apply('relu', x, slope=1)", TypeError, "no parameter 'slope'"),
        ("kernels.apply('elu', x, alpha=float('nan'))", ValueError, "alpha must be finite"),
        ("kernels.apply('rrelu', x, lower=1.0)", ValueError, "lower must not exceed upper"),
        ("kernels.apply('relu', x, x)", TypeError, "takes one tensor, got 2"),
        ("kernels.apply('relu', x.long())", TypeError, "float16, bfloat16, float32 or float64"),
        ("kernels.apply('relu', [1.0])", TypeError, "takes torch tensors, got list"),
        ("kernels.softmax(x, axis=2)", ValueError, "axis 2 is out of range"),
        ("kernels.softmax(x, temperature=0)", ValueError, "temperature must be greater than 0"),
        ("kernels.swiglu(x[:, :3])", ValueError, "even size"),
        ("kernels.swiglu(x, x.double())", ValueError, "one shape and dtype"),
        ("kernels.bias_activation('softmax', x, x[0])", ValueError, "elementwise"),
        ("kernels.bias_activation('relu', x, x[0, :2])", ValueError, "size of x's last axis"),
        ("kernels.prelu(x, torch.rand(3))", ValueError, "one a channel (4)"),
        ("kernels.leaky_relu2(x, save='both')", ValueError, "'input' or 'output'"),
        ("kernels.linear_leaky_relu2(x, x[:, :2])", ValueError, "weight (N, K)"),
    ],
)
def test_a_mistake_is_one_clear_sentence(call, error, words):
    import torch

    from actlab import kernels

    with pytest.raises(error) as raised:
        eval(call, {"kernels": kernels, "x": torch.randn(2, 4), "torch": torch})
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)

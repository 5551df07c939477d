"""The catalogue of activation functions, forward and derivative, in NumPy alone.

>>> from actlab.functions import CATALOGUE, get, relu
>>> relu([-1.0, 2.0])
array([0., 2.])
>>> get("swish").title
'SiLU (Swish)'

What holds for every function:

**Arrays.** Numbers, lists and arrays of any shape are taken; the shape is kept, no input is
modified, and a 0-d input gives a NumPy scalar, as NumPy's own ufuncs do.

**Dtypes.** float16, float32 and float64 stay what they are, in the machine's byte order; integers
and booleans become float64; anything else (complex, long double, object, a masked array) is a
``TypeError``. The arithmetic runs in float64
and is rounded once at the end, so that a float16 or float32 result is within 1 ulp of the true
value (and nearly always *is* the true value rounded). In float64 each function keeps within a few
ulp, one of its own down to the smallest numbers of a tail; a gate of the gated family whose
exponential is below 2e-308 has fewer digits. ReLU and ReLU6 are exact and stay in their
own dtype.

**Edges.** NaN in gives NaN out. ±inf gives the limit, and what is too small or too large for the
dtype gives 0 or ±inf, without a warning even under ``np.errstate(all="raise")``. Where no limit
exists (a gate of 0 times ±inf in the gated family, several +inf in one softmax) the result is NaN.

**Kinks.** Where a function has no derivative, its ``*_derivative`` gives the slope of the *outer*
piece, the one that runs to infinity on that side: at the only kink or the left one of two that is
the left-hand slope (0 for ReLU, a for the leaky ones, α for ELU, λα for SELU, 0 for hard-swish at
−3), at the right one of two the right-hand slope (0 for ReLU6 at 6, 1 for hard-swish at 3).
``torch`` does the same, and a test holds the two together. The clamps of the clamped SwiGLU pass
what lies on their ends, as ``torch.clamp`` does.

**Mistakes.** A wrong dtype raises ``TypeError``, a wrong value or shape ``ValueError``, each with
one sentence that says what was expected.
"""

from actlab.functions.catalogue import CATALOGUE, Activation, get
from actlab.functions.gated import (
    bilinear,
    bilinear_partials,
    clamped_swiglu,
    clamped_swiglu_partials,
    geglu,
    geglu_partials,
    glu,
    glu_partials,
    reglu,
    reglu_partials,
    swiglu,
    swiglu_partials,
)
from actlab.functions.parameters import Parameter
from actlab.functions.rectifiers import (
    SELU_ALPHA,
    SELU_SCALE,
    celu,
    celu_derivative,
    elu,
    elu_derivative,
    hard_sigmoid,
    hard_sigmoid_derivative,
    hardswish,
    hardswish_derivative,
    hardtanh,
    hardtanh_derivative,
    leaky_relu,
    leaky_relu2,
    leaky_relu2_derivative,
    leaky_relu_derivative,
    prelu,
    prelu_derivative,
    prelu_slope_derivative,
    relu,
    relu2,
    relu2_derivative,
    relu6,
    relu6_derivative,
    relu_derivative,
    rrelu,
    rrelu_derivative,
    selu,
    selu_derivative,
    star_relu,
    star_relu_derivative,
    xielu,
    xielu_derivative,
)
from actlab.functions.smooth import (
    gelu,
    gelu_derivative,
    gelu_tanh,
    gelu_tanh_derivative,
    log_sigmoid,
    log_sigmoid_derivative,
    mish,
    mish_derivative,
    quick_gelu,
    quick_gelu_derivative,
    sigmoid,
    sigmoid_derivative,
    silu,
    silu_beta_derivative,
    silu_derivative,
    snake,
    snake_derivative,
    softcap,
    softcap_derivative,
    softplus,
    softplus_derivative,
    softsign,
    softsign_derivative,
    swish,
    swish_derivative,
    tanh,
    tanh_derivative,
)
from actlab.functions.special import erf, erfc, normal_cdf, normal_pdf
from actlab.functions.vector import (
    log_softmax,
    log_softmax_jvp,
    log_softmax_vjp,
    softmax,
    softmax_jvp,
    softmax_vjp,
)

__all__ = [
    "CATALOGUE",
    "SELU_ALPHA",
    "SELU_SCALE",
    "Activation",
    "Parameter",
    "bilinear",
    "bilinear_partials",
    "celu",
    "celu_derivative",
    "clamped_swiglu",
    "clamped_swiglu_partials",
    "elu",
    "elu_derivative",
    "erf",
    "erfc",
    "geglu",
    "geglu_partials",
    "gelu",
    "gelu_derivative",
    "gelu_tanh",
    "gelu_tanh_derivative",
    "get",
    "glu",
    "glu_partials",
    "hard_sigmoid",
    "hard_sigmoid_derivative",
    "hardswish",
    "hardswish_derivative",
    "hardtanh",
    "hardtanh_derivative",
    "leaky_relu",
    "leaky_relu2",
    "leaky_relu2_derivative",
    "leaky_relu_derivative",
    "log_sigmoid",
    "log_sigmoid_derivative",
    "log_softmax",
    "log_softmax_jvp",
    "log_softmax_vjp",
    "mish",
    "mish_derivative",
    "normal_cdf",
    "normal_pdf",
    "prelu",
    "prelu_derivative",
    "prelu_slope_derivative",
    "quick_gelu",
    "quick_gelu_derivative",
    "reglu",
    "reglu_partials",
    "relu",
    "relu2",
    "relu2_derivative",
    "relu6",
    "relu6_derivative",
    "relu_derivative",
    "rrelu",
    "rrelu_derivative",
    "selu",
    "selu_derivative",
    "sigmoid",
    "sigmoid_derivative",
    "silu",
    "silu_beta_derivative",
    "silu_derivative",
    "snake",
    "snake_derivative",
    "softcap",
    "softcap_derivative",
    "softmax",
    "softmax_jvp",
    "softmax_vjp",
    "softplus",
    "softplus_derivative",
    "softsign",
    "softsign_derivative",
    "star_relu",
    "star_relu_derivative",
    "swiglu",
    "swiglu_partials",
    "swish",
    "swish_derivative",
    "tanh",
    "tanh_derivative",
    "xielu",
    "xielu_derivative",
]

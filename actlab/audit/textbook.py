"""The functions of the catalogue as a book prints them, at their default parameters.

The audit needs them where float64 is not enough: as the truth behind float64 itself, and as the
formula in which a known cancellation can be named. They are expressions of
:mod:`actlab.audit.expression`; a test holds them against the catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping

from actlab.functions import SELU_ALPHA, SELU_SCALE

_TANH_FORM = "tanh(sqrt(2/pi)*(x + 0.044715*x**3))"

#: name -> expression in x.
TEXTBOOK: Mapping[str, str] = {
    "sigmoid": "1/(1 + exp(-x))",
    "log_sigmoid": "-log(1 + exp(-x))",
    "tanh": "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "softsign": "x/(1 + abs(x))",
    "softplus": "log(1 + exp(x))",
    "relu": "maximum(x, 0)",
    "relu6": "minimum(maximum(x, 0), 6)",
    "leaky_relu": "where(x > 0, x, 0.01*x)",
    "prelu": "where(x > 0, x, 0.25*x)",
    "rrelu": "where(x > 0, x, (1/8 + 1/3)/2*x)",
    "elu": "where(x > 0, x, exp(x) - 1)",
    "celu": "where(x > 0, x, exp(x) - 1)",
    "selu": f"{SELU_SCALE!r}*where(x > 0, x, {SELU_ALPHA!r}*(exp(x) - 1))",
    "gelu": "x*(1 + erf(x/sqrt(2)))/2",
    "gelu_tanh": f"x/2*(1 + {_TANH_FORM})",
    "silu": "x/(1 + exp(-x))",
    "mish": "x*tanh(log(1 + exp(x)))",
    "hardswish": "x*minimum(maximum(x + 3, 0), 6)/6",
    "relu2": "maximum(x, 0)**2",
    "leaky_relu2": "where(x > 0, x, x/2)**2",
}

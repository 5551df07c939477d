"""How each function is presented: one row, from which cards, pages and figures take it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Shown:
    """What a reader sees of a function beside its values.

    Attributes:
        words: its formula in one line of text.
        chapter: the chapter that is about it.
        family: the functions among which its card stands.
        colour: a name in :data:`actlab.palette.PALETTE`; a family of curves shares one.
        dash: a name in ``actlab.palette``; no two of one colour share it.
        marker: of matplotlib; no two of one colour share it.
        label: at its line, where the title is too long for that.
    """

    words: str
    chapter: str
    family: str
    colour: str
    dash: str
    marker: str
    label: str | None = None


#: By name in the catalogue, in the order of the cards.
SHOWN: Mapping[str, Shown] = MappingProxyType(
    {
        "sigmoid": Shown(
            "1 / (1 + e⁻ˣ)", "02_sigmoid", "Switches", "purple", "dashdot", "D", "sigmoid"
        ),
        "hard_sigmoid": Shown(
            "min(max(x + 3, 0), 6) / 6",
            "02_sigmoid",
            "Switches",
            "purple",
            "solid",
            "s",
            "hard sigmoid",
        ),
        "log_sigmoid": Shown(
            "log σ(x)", "02_sigmoid", "Switches", "purple", "dotted", "d", "log-sigmoid"
        ),
        "tanh": Shown(
            "(eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)", "03_tanh", "Switches", "green", "short", "^", "tanh"
        ),
        "hardtanh": Shown(
            "min(max(x, −1), 1)", "03_tanh", "Switches", "green", "solid", "1", "hard tanh"
        ),
        "softcap": Shown(
            "30 · tanh(x/30)", "03_tanh", "Switches", "green", "dotted", "v", "soft-cap"
        ),
        "softsign": Shown("x / (1 + |x|)", "03_tanh", "Switches", "green", "dashed", "2"),
        "relu": Shown("max(x, 0)", "04_relu", "Rectifiers", "blue", "solid", "o"),
        "relu6": Shown("min(max(x, 0), 6)", "04_relu", "Rectifiers", "blue", "dashed", "8"),
        "leaky_relu": Shown(
            "x, or x/100 below 0", "07_leaky_prelu_rrelu", "Rectifiers", "indigo", "pairs", "<"
        ),
        "prelu": Shown(
            "x, or a·x below 0, a learned",
            "07_leaky_prelu_rrelu",
            "Rectifiers",
            "indigo",
            "solid",
            "o",
        ),
        "rrelu": Shown(
            "x, or a·x below 0, a drawn",
            "07_leaky_prelu_rrelu",
            "Rectifiers",
            "indigo",
            "dotted",
            "8",
        ),
        "softplus": Shown(
            "log(1 + eˣ)", "04_relu", "Rectifiers", "purple", "dashed", "8", "softplus"
        ),
        "elu": Shown("x, or eˣ − 1 below 0", "08_elu_selu", "Floors", "crimson", "dashdotdot", "P"),
        "celu": Shown(
            "x, or α(e^(x/α) − 1) below 0", "08_elu_selu", "Floors", "crimson", "dotted", "d"
        ),
        "selu": Shown(
            "1.05 · (x, or 1.67(eˣ − 1))", "08_elu_selu", "Floors", "crimson", "solid", "X"
        ),
        "gelu": Shown("x · Φ(x)", "10_gelu", "Smooth gates", "orange", "dashed", "s"),
        "gelu_tanh": Shown(
            "x/2 · (1 + tanh(…))",
            "10_gelu",
            "Smooth gates",
            "orange",
            "dotted",
            "d",
            "GELU, tanh form",
        ),
        "quick_gelu": Shown(
            "x · σ(1.702x)", "10_gelu", "Smooth gates", "orange", "dashdot", ">", "quick GELU"
        ),
        "silu": Shown(
            "x · σ(x)", "11_silu_swish_glu", "Smooth gates", "brown", "long", "v", "SiLU"
        ),
        "mish": Shown(
            "x · tanh(log(1 + eˣ))", "11_silu_swish_glu", "Smooth gates", "brown", "dotted", ">"
        ),
        "hardswish": Shown(
            "x · min(max(x + 3, 0), 6) / 6",
            "11_silu_swish_glu",
            "Smooth gates",
            "brown",
            "solid",
            "s",
            "hard-swish",
        ),
        "relu2": Shown("max(x, 0)²", "09_squared_relu", "Squares", "cyan", "solid", "p"),
        "leaky_relu2": Shown(
            "x², or x²/4 below 0", "09_squared_relu", "Squares", "cyan", "pairs", "<"
        ),
        "star_relu": Shown(
            "0.894 · max(x, 0)² − 0.447", "09_squared_relu", "Squares", "cyan", "long", "*"
        ),
        "xielu": Shown(
            "x/2 + 0.8 · (x², or eˣ − 1 − x below 0)",
            "09_squared_relu",
            "Squares",
            "cyan",
            "dashdotdot",
            "v",
        ),
        "snake": Shown("x + sin²(x)", "14_low_precision", "Waves", "slate", "dashed", "x", "snake"),
        "glu": Shown("σ(a) · b", "11_silu_swish_glu", "Two inputs", "purple", "dashdotdot", "h"),
        "bilinear": Shown(
            "a · b", "11_silu_swish_glu", "Two inputs", "cyan", "dashdot", "h", "bilinear"
        ),
        "reglu": Shown("max(a, 0) · b", "11_silu_swish_glu", "Two inputs", "blue", "long", "h"),
        "geglu": Shown("a · Φ(a) · b", "11_silu_swish_glu", "Two inputs", "orange", "long", "h"),
        "swiglu": Shown("a · σ(a) · b", "11_silu_swish_glu", "Two inputs", "brown", "dashed", "h"),
        "clamped_swiglu": Shown(
            "ã · σ(1.702ã) · (b̃ + 1), cut at 7",
            "11_silu_swish_glu",
            "Two inputs",
            "brown",
            "dashdot",
            "H",
            "clamped SwiGLU",
        ),
        "softmax": Shown(
            "e^(xᵢ) / Σ e^(xⱼ)", "12_softmax", "Outputs", "purple", "long", "p", "softmax"
        ),
        "log_softmax": Shown(
            "xᵢ − log Σ e^(xⱼ)", "12_softmax", "Outputs", "purple", "pairs", "P", "log-softmax"
        ),
    }
)

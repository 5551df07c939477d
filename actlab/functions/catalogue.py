"""The catalogue: every activation function of the course as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from actlab.functions import gated, rectifiers, smooth, vector
from actlab.functions.parameters import Parameter
from actlab.functions.shown import SHOWN, Shown
from actlab.functions.uses import USED_BY, Use

Kinks = Callable[..., tuple[float, ...]]


def _no_kinks(**_: Any) -> tuple[float, ...]:
    return ()


@dataclass(frozen=True)
class Activation:
    """One activation function.

    Attributes:
        name: key in :data:`CATALOGUE` and name of the NumPy function.
        title: how the literature writes it.
        formula: LaTeX, of x (of a and b for the gated kind, of the vector x for softmax).
        derivative_formula: LaTeX of the derivative; of the Jacobian for the vector kind, of
            ∂f/∂a for the gated kind (∂f/∂b is the activation of a).
        paper: key in the book's ``references.bib``.
        kind: ``elementwise`` (f(x) element by element), ``vector`` (along an axis) or ``gated``
            (f(a, b)).
        forward: the NumPy function.
        parameters: what can be set, in the order of the function's signature.
        derivative: f′ in NumPy; None unless elementwise.
        jvp: J·v; None unless vector.
        vjp: Jᵀ·g; None unless vector.
        partials: (∂f/∂a, ∂f/∂b); None unless gated.
        kinks: where f is not differentiable, for given parameters: for the gated kind in a.
        aliases: other names that :func:`get` understands.
    """

    name: str
    title: str
    formula: str
    derivative_formula: str
    paper: str
    kind: Literal["elementwise", "vector", "gated"]
    forward: Callable[..., Any] = field(repr=False)
    parameters: tuple[Parameter, ...] = ()
    derivative: Callable[..., Any] | None = field(default=None, repr=False)
    jvp: Callable[..., Any] | None = field(default=None, repr=False)
    vjp: Callable[..., Any] | None = field(default=None, repr=False)
    partials: Callable[..., Any] | None = field(default=None, repr=False)
    kinks: Kinks = field(default=_no_kinks, repr=False)
    aliases: tuple[str, ...] = ()

    @property
    def shown(self) -> Shown:
        """How it is presented."""
        return SHOWN[self.name]

    @property
    def used_by(self) -> tuple[Use, ...]:
        """Released models that use it, with evidence; empty where none was looked up."""
        return USED_BY.get(self.name, ())

    def __call__(self, *args: Any, **parameters: Any) -> Any:
        """The same as ``forward(*args, **parameters)``."""
        return self.forward(*args, **parameters)

    @property
    def defaults(self) -> dict[str, float]:
        """The default value of each parameter, by name."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def checked(self, parameters: Mapping[str, Any]) -> dict[str, float]:
        """The defaults overlaid with ``parameters``, as numbers that the function accepts.

        Raises:
            TypeError: for a parameter that the function does not have, or no real number.
            ValueError: for a value outside its parameter's range, or that another one rules out.
        """
        unknown = sorted(set(parameters) - set(self.defaults))
        if unknown:
            known = ", ".join(self.defaults) or "none"
            raise TypeError(
                f"{self.name} has no parameter {unknown[0]!r} (its parameters: {known})"
            )
        values = {**self.defaults, **parameters}
        found = {p.name: p.number(values[p.name]) for p in self.parameters}
        if self.name == "rrelu":
            rectifiers.check_bounds(found["lower"], found["upper"])
        return found


def _elementwise(
    module: Any,
    name: str,
    title: str,
    formula: str,
    derivative_formula: str,
    paper: str,
    parameters: tuple[Parameter, ...] = (),
    kinks: Kinks = _no_kinks,
    aliases: tuple[str, ...] = (),
) -> Activation:
    return Activation(
        name=name,
        title=title,
        formula=formula,
        derivative_formula=derivative_formula,
        paper=paper,
        kind="elementwise",
        forward=getattr(module, name),
        parameters=parameters,
        derivative=getattr(module, f"{name}_derivative"),
        kinks=kinks,
        aliases=aliases,
    )


def _vector(
    name: str, title: str, formula: str, jacobian: str, paper: str, aliases: tuple[str, ...] = ()
) -> Activation:
    return Activation(
        name=name,
        title=title,
        formula=formula,
        derivative_formula=jacobian,
        paper=paper,
        kind="vector",
        forward=getattr(vector, name),
        parameters=(vector.TEMPERATURE,),
        jvp=getattr(vector, f"{name}_jvp"),
        vjp=getattr(vector, f"{name}_vjp"),
        aliases=aliases,
    )


def _gated(
    name: str,
    title: str,
    formula: str,
    partial: str,
    paper: str,
    kinks: Kinks = _no_kinks,
    parameters: tuple[Parameter, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Activation:
    return Activation(
        name=name,
        title=title,
        formula=formula,
        derivative_formula=partial,
        paper=paper,
        kind="gated",
        forward=getattr(gated, name),
        partials=getattr(gated, f"{name}_partials"),
        kinks=kinks,
        parameters=parameters,
        aliases=aliases,
    )


def _at(*points: float) -> Kinks:
    def kinks(**_: Any) -> tuple[float, ...]:
        return points

    return kinks


def _at_zero_unless_one(name: str, default: float) -> Kinks:
    """A kink at 0 unless the left-hand slope, set by parameter ``name``, is 1 as the other."""

    def kinks(**parameters: Any) -> tuple[float, ...]:
        value = parameters.get(name, default)
        return () if np.all(np.asarray(value) == 1) else (0.0,)

    return kinks


def _rrelu_kinks(slope: Any = None, lower: Any = 1 / 8, upper: Any = 1 / 3) -> tuple[float, ...]:
    mean = (np.asarray(lower) + np.asarray(upper)) / 2
    return () if np.all(np.asarray(mean if slope is None else slope) == 1) else (0.0,)


def _cases(positive: str, otherwise: str) -> str:
    return rf"\begin{{cases}} {positive} & x > 0 \\ {otherwise} & x \le 0 \end{{cases}}"


_ENTRIES = (
    _elementwise(
        smooth,
        "sigmoid",
        "Sigmoid",
        r"\sigma(x) = \frac{1}{1 + e^{-x}}",
        r"\sigma(x)\,(1 - \sigma(x))",
        "rumelhart1986backprop",
        aliases=("logistic",),
    ),
    _elementwise(
        rectifiers,
        "hard_sigmoid",
        "Hard sigmoid",
        r"\frac{\min(\max(x + 3, 0), 6)}{6}",
        r"\begin{cases} \frac{1}{6} & -3 < x < 3 \\ 0 & \text{otherwise} \end{cases}",
        "howard2019mobilenetv3",
        kinks=_at(-3.0, 3.0),
        aliases=("hardsigmoid",),
    ),
    _elementwise(
        smooth,
        "log_sigmoid",
        "Log-sigmoid",
        r"\log\sigma(x) = -\log(1 + e^{-x})",
        r"\sigma(-x)",
        "rumelhart1986backprop",
    ),
    _elementwise(
        smooth,
        "tanh",
        "Tanh",
        r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}",
        r"1 - \tanh^2(x)",
        "lecun1998efficient",
    ),
    _elementwise(
        rectifiers,
        "hardtanh",
        "Hard tanh",
        r"\min(\max(x, -1), 1)",
        r"\begin{cases} 1 & -1 < x < 1 \\ 0 & \text{otherwise} \end{cases}",
        "collobert2004large",
        kinks=_at(-1.0, 1.0),
        aliases=("hard_tanh",),
    ),
    _elementwise(
        smooth,
        "softcap",
        "Tanh soft-cap",
        r"c\,\tanh(x/c)",
        r"1 - \tanh^2(x/c)",
        "gemma2024gemma2",
        (smooth.SOFTCAP,),
        aliases=("soft_cap", "tanh_soft_cap"),
    ),
    _elementwise(
        smooth,
        "softsign",
        "Softsign",
        r"\frac{x}{1 + |x|}",
        r"\frac{1}{(1 + |x|)^2}",
        "bergstra2009quadratic",
    ),
    _elementwise(
        smooth,
        "softplus",
        "Softplus",
        r"\frac{1}{\beta}\log\left(1 + e^{\beta x}\right)",
        r"\sigma(\beta x)",
        "dugas2001softplus",
        (smooth.SOFTPLUS_BETA,),
    ),
    _elementwise(
        rectifiers,
        "relu",
        "ReLU",
        r"\max(x, 0)",
        _cases("1", "0"),
        "nair2010relu",
        kinks=_at(0.0),
        aliases=("rectifier",),
    ),
    _elementwise(
        rectifiers,
        "relu6",
        "ReLU6",
        r"\min(\max(x, 0), 6)",
        r"\begin{cases} 1 & 0 < x < 6 \\ 0 & \text{otherwise} \end{cases}",
        "krizhevsky2010convolutional",
        kinks=_at(0.0, 6.0),
    ),
    _elementwise(
        rectifiers,
        "leaky_relu",
        "Leaky ReLU",
        _cases("x", "a\\,x"),
        _cases("1", "a"),
        "maas2013leaky",
        (rectifiers.LEAKY_SLOPE,),
        _at_zero_unless_one("slope", 0.01),
        ("lrelu",),
    ),
    _elementwise(
        rectifiers,
        "prelu",
        "PReLU",
        _cases("x", "a\\,x") + r"\quad a \text{ learned}",
        _cases("1", "a"),
        "he2015prelu",
        (rectifiers.PRELU_SLOPE,),
        _at_zero_unless_one("slope", 0.25),
    ),
    _elementwise(
        rectifiers,
        "rrelu",
        "RReLU",
        _cases("x", "a\\,x")
        + r"\quad a \sim \mathcal{U}(\ell, u) \text{ in training, } a = \tfrac{\ell + u}{2}"
        + r" \text{ in evaluation}",
        _cases("1", "a"),
        "xu2015rrelu",
        (rectifiers.RRELU_LOWER, rectifiers.RRELU_UPPER),
        _rrelu_kinks,
    ),
    _elementwise(
        rectifiers,
        "elu",
        "ELU",
        _cases("x", r"\alpha\,(e^x - 1)"),
        _cases("1", r"\alpha\,e^x"),
        "clevert2016elu",
        (rectifiers.ELU_ALPHA,),
        _at_zero_unless_one("alpha", 1.0),
    ),
    _elementwise(
        rectifiers,
        "celu",
        "CELU",
        _cases("x", r"\alpha\,(e^{x/\alpha} - 1)"),
        _cases("1", r"e^{x/\alpha}"),
        "barron2017celu",
        (rectifiers.CELU_ALPHA,),
    ),
    _elementwise(
        rectifiers,
        "selu",
        "SELU",
        r"\lambda " + _cases("x", r"\alpha\,(e^x - 1)") + r"\quad \alpha = 1.6733,"
        r"\ \lambda = 1.0507",
        r"\lambda " + _cases("1", r"\alpha\,e^x"),
        "klambauer2017selu",
        kinks=_at(0.0),
    ),
    _elementwise(
        smooth,
        "gelu",
        "GELU",
        r"x\,\Phi(x) = \frac{x}{2}\left(1 + \operatorname{erf}\frac{x}{\sqrt{2}}\right)",
        r"\Phi(x) + x\,\varphi(x)",
        "hendrycks2016gelu",
        aliases=("gelu_erf",),
    ),
    _elementwise(
        smooth,
        "gelu_tanh",
        "GELU (tanh form)",
        r"\frac{x}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)",
        r"\sigma(t) + x\,\sigma'(t)\,t', \quad t = 2\sqrt{2/\pi}\,(x + 0.044715\,x^3)",
        "hendrycks2016gelu",
    ),
    _elementwise(
        smooth,
        "quick_gelu",
        "Quick GELU",
        r"x\,\sigma(1.702\,x)",
        r"\sigma(t) + t\,\sigma'(t), \quad t = 1.702\,x",
        "hendrycks2016gelu",
        aliases=("gelu_sigmoid",),
    ),
    _elementwise(
        smooth,
        "silu",
        "SiLU (Swish)",
        r"x\,\sigma(\beta x)",
        r"\sigma(\beta x) + \beta x\,\sigma'(\beta x)",
        "elfwing2018silu",
        (smooth.SILU_BETA,),
        aliases=("swish",),
    ),
    _elementwise(
        smooth,
        "mish",
        "Mish",
        r"x\,\tanh(\log(1 + e^x))",
        r"w + x\,w', \quad w = \tanh(\log(1 + e^x))",
        "misra2020mish",
    ),
    _elementwise(
        rectifiers,
        "hardswish",
        "Hard-swish",
        r"x\,\frac{\min(\max(x + 3, 0), 6)}{6}",
        r"\begin{cases} 0 & x \le -3 \\ \frac{x}{3} + \frac{1}{2} & -3 < x < 3 \\"
        r" 1 & x \ge 3 \end{cases}",
        "howard2019mobilenetv3",
        kinks=_at(-3.0, 3.0),
        aliases=("hard_swish",),
    ),
    _vector(
        "softmax",
        "Softmax",
        r"s_i = \frac{e^{x_i/\tau}}{\sum_j e^{x_j/\tau}}",
        r"\frac{\partial s_i}{\partial x_j} = \frac{s_i\,(\delta_{ij} - s_j)}{\tau}",
        "bridle1990softmax",
    ),
    _vector(
        "log_softmax",
        "Log-softmax",
        r"\log s_i = \frac{x_i}{\tau} - \log\sum_j e^{x_j/\tau}",
        r"\frac{\partial \log s_i}{\partial x_j} = \frac{\delta_{ij} - s_j}{\tau}",
        "blanchard2021logsumexp",
    ),
    _elementwise(
        rectifiers,
        "relu2",
        "ReLU²",
        r"\max(x, 0)^2",
        r"2\max(x, 0)",
        "so2021primer",
        aliases=("squared_relu", "relu_squared"),
    ),
    _elementwise(
        rectifiers,
        "leaky_relu2",
        "LeakyReLU²",
        _cases("x^2", "a^2 x^2"),
        _cases("2x", "2a^2 x"),
        "openai2026parametergolf",
        (rectifiers.SQUARED_SLOPE,),
        aliases=("squared_leaky_relu", "leaky_relu_squared"),
    ),
    _elementwise(
        rectifiers,
        "star_relu",
        "StarReLU",
        r"s\max(x, 0)^2 + b \quad s, b \text{ learned}",
        r"2s\max(x, 0)",
        "yu2024metaformer",
        (rectifiers.STAR_SCALE, rectifiers.STAR_BIAS),
        aliases=("starrelu",),
    ),
    _elementwise(
        smooth,
        "snake",
        "Snake",
        r"x + \frac{\sin^2(a x)}{a} \quad a \text{ learned}",
        r"1 + \sin(2 a x)",
        "ziyin2020snake",
        (smooth.SNAKE,),
    ),
    _elementwise(
        rectifiers,
        "xielu",
        "xIELU",
        _cases(r"\alpha_p x^2", r"\alpha_n (e^x - 1 - x)")
        + r" + \frac{x}{2} \quad \alpha_p, \alpha_n \text{ learned}",
        _cases(r"2 \alpha_p x", r"\alpha_n (e^x - 1)") + r" + \frac{1}{2}",
        "huang2024xielu",
        (rectifiers.XIELU_POSITIVE, rectifiers.XIELU_NEGATIVE),
    ),
    _gated("glu", "GLU", r"\sigma(a)\,b", r"\sigma'(a)\,b", "dauphin2017glu"),
    _gated("bilinear", "Bilinear", r"a\,b", "b", "shazeer2020glu"),
    _gated(
        "reglu",
        "ReGLU",
        r"\max(a, 0)\,b",
        r"\begin{cases} b & a > 0 \\ 0 & a \le 0 \end{cases}",
        "shazeer2020glu",
        _at(0.0),
    ),
    _gated(
        "geglu",
        "GEGLU",
        r"a\,\Phi(a)\,b",
        r"(\Phi(a) + a\,\varphi(a))\,b",
        "shazeer2020glu",
    ),
    _gated(
        "swiglu",
        "SwiGLU",
        r"a\,\sigma(a)\,b",
        r"(\sigma(a) + a\,\sigma'(a))\,b",
        "shazeer2020glu",
    ),
    _gated(
        "clamped_swiglu",
        "Clamped SwiGLU",
        r"\tilde a\,\sigma(\alpha\tilde a)\,(\tilde b + 1) \quad \tilde a = \min(a, L),"
        r"\ \tilde b = \min(\max(b, -L), L)",
        r"\begin{cases} (\sigma(\alpha a) + \alpha a\,\sigma'(\alpha a))\,(\tilde b + 1)"
        r" & a \le L \\ 0 & a > L \end{cases}",
        "openai2025gptoss",
        lambda limit=7.0, **_: (limit,),
        (gated.CLAMPED_ALPHA, gated.CLAMPED_LIMIT),
        ("swiglu_clamped", "swigluoai"),
    ),
)

#: Every activation function, by name, in the order of the course.
CATALOGUE: Mapping[str, Activation] = MappingProxyType({entry.name: entry for entry in _ENTRIES})

_ALIASES = {alias: entry.name for entry in _ENTRIES for alias in entry.aliases}


def get(name: str) -> Activation:
    """The entry called ``name``, or by one of its aliases (``swish`` is ``silu``).

    Raises:
        TypeError: when ``name`` is not text.
        ValueError: when there is none; the message names what comes nearest.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of an activation function must be text, got {name!r}")
    wanted = name.strip().lower().replace("-", "_").replace(" ", "_")
    wanted = _ALIASES.get(wanted, wanted)
    if wanted in CATALOGUE:
        return CATALOGUE[wanted]
    near = get_close_matches(wanted, [*CATALOGUE, *_ALIASES], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(CATALOGUE)}."
    raise ValueError(f"there is no activation function called {name!r}: {hint}")

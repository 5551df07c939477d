"""Formulas of a hint as text for a terminal: ``$-\\infty$`` as ``-∞``, ``$x^2$`` as ``x²``.

What has no sign is written as in code (``a/b``, ``x_old``). Only what stands between dollars is
changed, and code in backquotes is left alone.
"""

from __future__ import annotations

import re

_SIGNS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "varepsilon": "ε",
    "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "phi": "φ", "varphi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ",
    "Sigma": "Σ", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω", "infty": "∞", "le": "≤", "leq": "≤",
    "ge": "≥", "geq": "≥", "ne": "≠", "neq": "≠", "approx": "≈", "pm": "±", "mp": "∓",
    "cdot": "·", "times": "×", "odot": "⊙", "partial": "∂", "nabla": "∇", "sum": "Σ",
    "prod": "Π", "int": "∫", "to": "→", "rightarrow": "→", "in": "∈", "top": "ᵀ", "dots": "…",
    "ldots": "…", "cdots": "…", "quad": " ", "qquad": " ",
}  # fmt: skip
_UP = dict(zip("0123456789+-n'ᵀ", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ'ᵀ", strict=True))
_DOWN = dict(zip("0123456789+-ijkn", "₀₁₂₃₄₅₆₇₈₉₊₋ᵢⱼₖₙ", strict=True))
_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1", re.DOTALL)
_FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$\n]+(?:\n[^$\n]+)?)\$", re.DOTALL)
# An argument: one group in braces, without braces in it, or one sign.
_ARGUMENT = r"\s*(?:\{([^{}]*)\}|(\\[A-Za-z]+|[^\s{}\\]))"
_FRACTION = re.compile(r"\\[dt]?frac" + _ARGUMENT + _ARGUMENT)
_ROOT = re.compile(r"\\sqrt" + _ARGUMENT)
_STYLE = re.compile(
    r"\\(?:text|mathrm|mathbf|mathit|mathcal|boldsymbol|operatorname|bm)" + _ARGUMENT
)
_NAME = re.compile(r"(\w?)\\([A-Za-z]+)(\s*)(?=([\w\\(]?))")
_MARKS = {"^": "\ue000", "_": "\ue001"}
_RAISED = re.compile(r"([\^_])" + _ARGUMENT)


def plain_math(text: str) -> str:
    """``text`` with its formulas as a terminal can show them."""
    parts, end = [], 0
    for code in _CODE.finditer(text):
        parts += [_formulas(text[end : code.start()]), code[0]]
        end = code.end()
    return "".join([*parts, _formulas(text[end:])])


def _formulas(text: str) -> str:
    return _FORMULA.sub(lambda match: _plain(match[1] or match[2]), text)


def _plain(formula: str) -> str:
    for _ in range(20):  # from the inside out
        before = formula
        formula = _STYLE.sub(lambda m: _argument(m, 1), formula)
        formula = _RAISED.sub(_raised, formula)
        formula = _FRACTION.sub(
            lambda m: f"{_grouped(_argument(m, 1))}/{_grouped(_argument(m, 3))}", formula
        )
        formula = _ROOT.sub(lambda m: f"√{_grouped(_argument(m, 1))}", formula)
        if formula == before:
            break
    formula = re.sub(r"\\[,;:! ]", " ", formula)
    formula = _NAME.sub(_named, formula)
    formula = re.sub(r"\\([{}%#&_|])", r"\1", formula)
    formula = formula.replace(_MARKS["^"], "^").replace(_MARKS["_"], "_")
    return re.sub(r"  +", " ", formula).strip()


def _named(match: re.Match[str]) -> str:
    """A sign, or the name of a function apart from what stands beside it."""
    before, name, space, after = match[1], match[2], match[3], match[4]
    if name == "partial":
        space = ""
    if name in _SIGNS:
        return f"{before}{_SIGNS[name]}{space}"
    apart = " " if before.isalnum() else ""
    return f"{before}{apart}{name}{space or (' ' if after and after not in '(' else '')}"


def _argument(match: re.Match[str], group: int) -> str:
    braced, single = match[group], match[group + 1]
    return braced if braced is not None else single


def _grouped(text: str) -> str:
    return text if re.fullmatch(r"\\?[\w.]+", text) else f"({text})"


def _raised(match: re.Match[str]) -> str:
    text = _argument(match, 2)
    text = text.replace("\\top", "ᵀ").replace("\\cdot", "·")
    table, sign = (_UP, "^") if match[1] == "^" else (_DOWN, "_")
    if text and all(letter in table for letter in text):
        return "".join(table[letter] for letter in text)
    # Marked, so that the next round does not take it for one more.
    return _MARKS[sign] + (text if re.fullmatch(r"\\?\w+", text) else f"({text})")

"""A card in words: numbers as they are printed, the verdict, and the alternative text.

Every sentence is chosen by a rule from measurements; none is written for one function.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from actlab.cards.measured import FAR_LEFT, Card, Cost

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 3, *, whole: bool = True) -> str:
    """A number with that many significant digits, a true minus, and no exponent in letters.

    Args:
        value: any number, also an infinite one.
        digits: how many are significant.
        whole: whether −0.9999 may become −1; otherwise it keeps the digits that say it is not.
    """
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size < 1e-12:
        return "0"
    if size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        text = f"{mantissa}·10{str(int(exponent)).translate(_SUPERSCRIPTS)}"
    else:
        text = f"{value:.{max(0, digits - 1 - int(np.floor(np.log10(size))))}f}"
        if not whole and 1e-6 < abs(value - round(value)) < 5e-3:
            text = f"{value:.4f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def value_range(card: Card) -> str:
    """All values that f takes: a round bracket marks a bound that is only approached."""
    left = "[" if card.lowest.taken else "("
    right = "]" if card.highest.taken else ")"
    return f"{left}{number(card.lowest.value)}, {number(card.highest.value)}{right}"


def looked_at(card: Card) -> str:
    """What the card leaves out of a function of several numbers; empty for one of one number."""
    return {"gated": "along a, with b = 1", "vector": "two logits: x and 0"}.get(
        card.entry.kind, ""
    )


def through(card: Card) -> str:
    """How large weights have to be."""
    if card.entry.name == "selu" and abs(card.second - 1) < 1e-3:
        return "it keeps mean 0 and variance 1"
    return f"weights of variance {number(1 / card.second)}/n keep the size"


def growth(card: Card) -> str:
    """What then happens to a gradient."""
    factor = card.gradient_growth
    if abs(factor - 1) < 0.005:
        return "the gradient's square is kept too"
    verb = "grows" if factor > 1 else "shrinks"
    return f"the gradient's square then {verb} ×{number(factor)} a layer"


def mean_of(card: Card) -> str:
    """E f, without the last digits of a sum that is 0."""
    return number(0.0 if abs(card.mean) < 5e-4 else card.mean)


def gaussian(card: Card) -> str:
    """What a standard normal input comes out as."""
    return f"rms {number(card.rms)}, mean {mean_of(card)}"


def lines(card: Card) -> list[str]:
    """The printed card: the same on every processor."""
    kind = f"  ({looked_at(card)})" if looked_at(card) else ""
    low = f", lowest at x = {number(card.lowest.at)}" if _has_bottom(card) else ""
    result = [
        f"{card.entry.title}: {card.entry.shown.words}{kind}",
        f"values in {value_range(card)}{low}; slope from {number(card.fall.value)} "
        f"to {number(card.rise.value)}",
        f"of a normal input: {gaussian(card)}; {through(card)}; {growth(card)}",
        f"at −5: {number(card.exact_five, whole=False)}",
    ]
    if card.cost:
        result.append(f"cost: {copies(card.cost)} ({where(card.cost)})")
    return result


def _has_bottom(card: Card) -> bool:
    return card.lowest.taken and not card.monotone


def copies(cost: Cost) -> str:
    """``1.5 copies forward, 3.6 backward``."""
    text = f"{cost.forward:.1f} copies forward"
    return text if cost.backward is None else f"{text}, {cost.backward:.1f} backward"


def where(cost: Cost) -> str:
    """On what a cost was measured."""
    kind = {"builtin": "PyTorch's own", "composed": "of PyTorch's operations"}
    size = f"10{str(round(np.log10(cost.elements))).translate(_SUPERSCRIPTS)}"
    return f"{size} {cost.dtype}, {kind[cost.implementation]}"


# --- verdict ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One line of the verdict: what to do, what was measured, and the small print."""

    word: str
    text: str
    small: str


def verdict(card: Card) -> list[Line]:
    """Why to take it, what to mind, what to pay: the first rule of each list that applies."""
    return [Line("For", *_take(card)), Line("Mind", *_mind(card)), Line("Pay", *_pay(card))]


def _saturates_at(card: Card) -> float:
    """The |x| beyond which |f′| stays below 1 % of its largest value."""
    x = np.linspace(0, 40, 4001)
    slope = np.maximum(np.abs(card.derivative(x)), np.abs(card.derivative(-x)))
    above = np.flatnonzero(slope >= 0.01 * card.lipschitz)
    return float(x[above[-1]])


def _take(card: Card) -> tuple[str, str]:
    factor = card.gradient_growth
    verb = "grows" if factor > 1 else "shrinks"
    balance = f"the gradient's square {verb} ×{number(factor)} a layer"
    if card.entry.kind == "gated":
        zero = f"slope in a up to {number(card.rise.value)}"
        centre = "centred for normal a and b"
        if abs(card.mean) >= 5e-4:
            centre = f"mean {mean_of(card)}, a and b normal"
        return "two inputs multiply: a learned gate", f"{centre}; {zero}"
    if card.entry.kind == "vector":
        what = "shares that sum to 1" if card.name == "softmax" else "logarithms of shares"
        return what, "only differences of logits count"
    if abs(card.mean) < 5e-4 and abs(card.second - 1) < 1e-3:
        return "mean 0 and variance 1 come out as they go in", balance
    if abs(card.gradient_growth - 1) < 0.005:
        share = "" if card.dead_share else "; slope never 0"
        size = f"weights of variance {number(1 / card.second)}/n"
        return "signal and gradient keep their size together", size + share
    if card.bounded and card.lowest.value < 0:
        return (
            f"centred, and never beyond {number(card.highest.value)}",
            f"mean 0 for a normal input; slope {number(card.rise.value)} at 0",
        )
    if card.bounded:
        return (
            f"reads as a probability: values in {value_range(card)}",
            f"slope {number(card.rise.value)} at 0; mean {mean_of(card)} for normal input",
        )
    if np.isinf(card.lipschitz):
        return (
            "output and slope grow together",
            f"no kink at 0; mean square of the slope {number(card.slope_second)}",
        )
    if not card.kinks and not card.bends:
        return "smooth: no kink, no jump in f″", balance
    if not card.kinks:
        return "no kink: the slope is continuous", balance
    return f"slope exactly 0 for only {_percent(card.dead_share)} of inputs", balance


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %"


def _mind(card: Card) -> tuple[str, str]:
    half = card.limits.get("float16")
    if card.entry.kind == "vector":
        f32 = card.limits.get("float32")
        gap = f32 and min(abs(end) for pair in f32.slope_zero for end in pair if np.isfinite(end))
        small = f"float32, logits {number(gap)} apart or more" if gap else "for logits far apart"
        return "a sure answer has no slope left", small
    if half and half.overflow:
        return (
            f"float16 overflows from {number(half.overflow)}",
            "its slope has no bound either",
        )
    if card.dead_share > 0.01:
        return (
            f"slope exactly 0 for {_percent(card.dead_share)} of normal inputs",
            "a unit whose inputs all lie there cannot learn",
        )
    if card.lipschitz < 0.5:
        ten = number(card.lipschitz**10, 2)
        return (
            f"the slope is never more than {number(card.lipschitz)}",
            f"ten of them leave at most {ten} of a gradient",
        )
    if card.bounded:
        far = _saturates_at(card)
        return (
            f"flat beyond |x| = {number(far, 2)}",
            "there the slope is under 1 % of its largest",
        )
    if not card.monotone:
        return (
            f"a valley: {number(card.lowest.value)} at {number(card.lowest.at)}",
            f"two inputs, one output; slope down to {number(card.fall.value)}",
        )
    if card.kinks and 0.0 < card.fall.value < 1:
        return (
            f"a slope of {number(card.fall.value)} is all that the left side has",
            f"mean {mean_of(card)} for a normal input",
        )
    if np.isfinite(card.left) and card.left < 0:
        slope = float(card.derivative(np.array([FAR_LEFT]))[0])
        return (
            f"the left side ends at {number(card.left)}",
            f"slope at −5: {number(slope)}; mean {mean_of(card)}",
        )
    if card.fall.value == card.rise.value:
        return "no bend: a product of two lines", "its slope in a is b itself, without a bound"
    return (
        f"it pushes the mean to {number(card.mean)}",
        f"for a normal input, with rms {number(card.rms)}",
    )


def _pay(card: Card) -> tuple[str, str]:
    saved = ""
    if card.saved and card.saved.bytes_per_element:
        what, size = card.saved.what, f"{card.saved.bytes_per_element:g} bytes"
        kept = f"the {what} ({size})" if what in ("input", "output") else f"{size} an element"
        saved = f"; keeps {kept}"
    if card.cost is None:
        return "not in the record yet", f"chapter 13 measures it{saved}"
    rank = f"{_ordinal(card.cost.rank)} of {card.cost.of} forward"
    if card.cost.rank in (1, card.cost.of):
        rank = f"{'cheapest' if card.cost.rank == 1 else 'dearest'} of {card.cost.of} forward"
    return copies(card.cost), f"{rank}{saved}"


def _ordinal(rank: int) -> str:
    ending = "th" if 10 < rank % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(rank % 10, "th")
    return f"{rank}{ending}"


def alternative(card: Card) -> str:
    """What a reader who cannot see the figure hears."""
    take, mind, pay = verdict(card)
    return (
        f"Card of {card.entry.title}: curve and slope; values in {value_range(card)}, slope from "
        f"{number(card.fall.value)} to {number(card.rise.value)}; a normal input comes out with "
        f"{gaussian(card)}. For it: {take.text}. Mind: {mind.text}. Pay: {pay.text}."
    )

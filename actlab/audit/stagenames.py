"""What each step is called and what it does, as people read it; nothing is imported for it."""

from __future__ import annotations

from collections.abc import Mapping

#: step -> what it is doing, in order.
DOING: Mapping[str, str] = {
    "load": "importing it",
    "probe": "calling it for the first time",
    "reference": "choosing what to judge by",
    "contract": "checking dtype, shape, memory and gradient",
    "curve": "measuring the curve",
    "regions": "looking for zeros, NaN and infinities",
    "accuracy": "counting ulp",
    "estimate": "estimating how long every float32 takes",
    "exhaustive": "trying every float32",
    "signal": "sending a normal signal through",
    "cancellation": "looking for known causes and trying sound forms",
    "cost": "counting bytes",
    "clock": "timing it against a copy",
    "trial": "training on MNIST-1D beside ReLU and GELU",
}

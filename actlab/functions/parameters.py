"""What a function's parameter is, and the one place where its value is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

#: Every parameter's size ends here, and that of a positive one begins at its reciprocal: squares
#: and reciprocals of parameters are then numbers of every dtype in which one is computed with.
LARGEST = 1e18


@dataclass(frozen=True)
class Parameter:
    """One parameter of an activation function.

    Attributes:
        name: the keyword that the function takes.
        symbol: LaTeX, as it stands in the formula.
        default: the value when nothing is given.
        low: lower end of the range worth exploring (where a slider starts).
        high: upper end of that range.
        meaning: one phrase for a table or a slider's label.
        domain: the values that are accepted: any ``finite`` number from −1e18 to 1e18, or only
            ``positive`` ones from 1e-18 to 1e18.
    """

    name: str
    symbol: str
    default: float
    low: float
    high: float
    meaning: str
    domain: Literal["finite", "positive"] = "finite"

    def check(self, value: ArrayLike, shape: tuple[int, ...]) -> np.ndarray:
        """``value`` as float64, once it is real, in the domain and broadcasts to ``shape``.

        Raises:
            TypeError: when it is not a real number or an array of real numbers.
            ValueError: when it is outside the domain or has a shape that does not fit.
        """
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"{self.name} must be a real number, got {value!r}")
        array = array.astype(np.float64)
        if not np.isfinite(array).all():
            raise ValueError(f"{self.name} must be finite, got {value!r}")
        if self.domain == "positive" and not (array > 0).all():
            raise ValueError(f"{self.name} must be greater than 0, got {value!r}")
        if (np.abs(array) > LARGEST).any():
            raise ValueError(
                f"{self.name} must be between {-LARGEST:g} and {LARGEST:g}, got {value!r}"
            )
        if self.domain == "positive" and not (array >= 1 / LARGEST).all():
            raise ValueError(
                f"{self.name} must be between {1 / LARGEST:g} and {LARGEST:g}, got {value!r}"
            )
        try:
            np.broadcast_to(array, shape)
        except ValueError:
            raise ValueError(
                f"{self.name} of shape {array.shape} does not broadcast to "
                f"the input's shape {shape}"
            ) from None
        return array

    def number(self, value: ArrayLike) -> float:
        """The same for one number. The plain ones, nearly all, are also compared plainly:
        torch.compile cannot trace what arrays need."""
        if isinstance(value, (int, float)):
            low = 1 / LARGEST if self.domain == "positive" else -LARGEST
            if low <= value <= LARGEST:
                return float(value)
        return float(self.check(value, ()))

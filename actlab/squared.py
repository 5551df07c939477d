"""A Transformer's feed-forward block with a squared rectifier of any slope (chapter 9).

>>> import torch
>>> block = SquaredFeedForward(8, slope=0.5)
>>> block(torch.randn(2, 8)).shape
torch.Size([2, 8])
"""

from __future__ import annotations

from torch import Tensor, nn

from actlab.modules import LeakyReLU2


class SquaredFeedForward(nn.Module):
    """W₂·LeakyReLU(W₁x, slope)², from the residual stream back into it.

    The shapes are those of the scripts in openai/parameter-golf: d → multiple·d → d, without
    biases, and W₂ starts at zero, so that the block begins as "add nothing". Slope 0 is ReLU²
    (so2021primer), slope 1 is x².

    Args:
        features: width d of input and output.
        multiple: the inner width is ``multiple * features``.
        slope: of the rectifier on the left, any finite number; it ends up squared, on values
            (slope²·x²) as on gradients (2·slope²·x, of the opposite sign than on the right).

    Shape:
        (..., features) to (..., features).

    Raises:
        ValueError: a width below 1, or a slope that is not finite.
    """

    def __init__(self, features: int, multiple: int = 4, slope: float = 0.5) -> None:
        super().__init__()
        if features < 1 or multiple < 1:
            raise ValueError(f"widths must be at least 1, got {features} and {multiple}")
        self.inner = nn.Linear(features, multiple * features, bias=False)
        self.activation = LeakyReLU2(slope)
        self.outer = nn.Linear(multiple * features, features, bias=False)
        nn.init.zeros_(self.outer.weight)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.activation(self.inner(x)))

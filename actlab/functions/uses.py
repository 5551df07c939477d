"""Who uses a function: released models, each with the file that says so as it was read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Use:
    """A released model that computes a function.

    Attributes:
        model: its name.
        address: the configuration or the code that says so, at the commit that was read.
    """

    model: str
    address: str


_GITHUB = "https://github.com"
GEMMA_2 = Use(
    "Gemma 2",
    f"{_GITHUB}/huggingface/transformers/blob/008e574391258935f3ecc3035c882e73bbcac419/"
    "src/transformers/models/gemma2/configuration_gemma2.py",
)
MOBILENET_3 = Use(
    "MobileNetV3",
    f"{_GITHUB}/pytorch/vision/blob/00542d95486feb18bda93ab6b8b7a694291151e9/"
    "torchvision/models/mobilenetv3.py",
)
CLIP = Use(
    "CLIP", f"{_GITHUB}/openai/CLIP/blob/0845fc462666c43bda82243874b66a0071464510/clip/model.py"
)
METAFORMER = Use(
    "CAFormer and ConvFormer",
    f"{_GITHUB}/sail-sg/metaformer/blob/a828c610e1eba4572ccd04e675adc6cd464b1a2d/"
    "metaformer_baselines.py",
)
DAC = Use(
    "Descript Audio Codec",
    f"{_GITHUB}/descriptinc/descript-audio-codec/blob/5f0026edc69697969596fa8475854d94e27fa699/"
    "dac/nn/layers.py",
)
APERTUS = Use(
    "Apertus",
    f"{_GITHUB}/huggingface/transformers/blob/ecbf7a09240905537bfdf25d35a80ccb24ddcbf1/"
    "src/transformers/models/apertus/configuration_apertus.py",
)
GPT_OSS = Use(
    "gpt-oss",
    f"{_GITHUB}/openai/gpt-oss/blob/0568dfc94f09469e2968c2b90e50561d1b3fc424/gpt_oss/torch/model.py",
)
#: By name in the catalogue. A function that is missing here was not looked up.
USED_BY: Mapping[str, tuple[Use, ...]] = MappingProxyType(
    {
        "relu": (MOBILENET_3,),
        "gelu_tanh": (GEMMA_2,),
        "quick_gelu": (CLIP,),
        "softcap": (GEMMA_2,),
        "hard_sigmoid": (MOBILENET_3,),
        "hardswish": (MOBILENET_3,),
        "star_relu": (METAFORMER,),
        "snake": (DAC,),
        "xielu": (APERTUS,),
        "clamped_swiglu": (GPT_OSS,),
    }
)

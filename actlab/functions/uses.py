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
BERT = Use(
    "BERT",
    f"{_GITHUB}/huggingface/transformers/blob/008f5c8c29be84d4721dc6d1e0fcd72300580be4/"
    "src/transformers/models/bert/configuration_bert.py",
)
GPT_2 = Use(
    "GPT-2",
    f"{_GITHUB}/huggingface/transformers/blob/01ae98ae2414210efd0d9ac1ffe78ff21588f1f7/"
    "src/transformers/models/gpt2/configuration_gpt2.py",
)
LLAMA_3 = Use(
    "Llama 3",
    f"{_GITHUB}/meta-llama/llama3/blob/0a3d7172e92f0bb293c297634a8ae0cb320c8d52/llama/model.py",
)
NEMOTRON = Use(
    "Nemotron",
    f"{_GITHUB}/huggingface/transformers/blob/ae005ce12a086176742fbf6c8364782a27085c85/"
    "src/transformers/models/nemotron/configuration_nemotron.py",
)
MOBILENET_2 = Use(
    "MobileNetV2",
    f"{_GITHUB}/pytorch/vision/blob/0256d651009f1c17faec52bb3ad6b5e35d04beb3/"
    "torchvision/models/mobilenetv2.py",
)
EFFICIENTNET = Use(
    "EfficientNet",
    f"{_GITHUB}/pytorch/vision/blob/07a929e8b851242b1c75c9016ee06a8e502961d8/"
    "torchvision/models/efficientnet.py",
)
ENCODEC = Use(
    "EnCodec",
    f"{_GITHUB}/facebookresearch/encodec/blob/1e9132ba9bf96bdc1e05ad142ed29aa79db8a155/"
    "encodec/modules/seanet.py",
)
ARCFACE = Use(
    "ArcFace",
    f"{_GITHUB}/deepinsight/insightface/blob/04a433f154de30ff8604d78f73f2b6af5822f71c/"
    "recognition/arcface_torch/backbones/iresnet.py",
)
#: By name in the catalogue. A function that is missing here was not looked up.
USED_BY: Mapping[str, tuple[Use, ...]] = MappingProxyType(
    {
        "relu": (MOBILENET_3,),
        "relu6": (MOBILENET_2,),
        "prelu": (ARCFACE,),
        "elu": (ENCODEC,),
        "gelu": (BERT,),
        "gelu_tanh": (GPT_2, GEMMA_2),
        "quick_gelu": (CLIP,),
        "softcap": (GEMMA_2,),
        "hard_sigmoid": (MOBILENET_3,),
        "hardswish": (MOBILENET_3,),
        "silu": (EFFICIENTNET,),
        "softmax": (LLAMA_3,),
        "relu2": (NEMOTRON,),
        "star_relu": (METAFORMER,),
        "snake": (DAC,),
        "xielu": (APERTUS,),
        "swiglu": (LLAMA_3,),
        "clamped_swiglu": (GPT_OSS,),
    }
)

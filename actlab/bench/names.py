"""The names that the command line and the records use; importing them loads nothing."""

MODES = ("forward", "forward_grad", "backward", "both")
DTYPES = ("float32", "bfloat16", "float16", "float64")
IMPLEMENTATIONS = (
    "builtin",
    "composed",
    "builtin_packed",
    "composed_packed",
    "compiled",
    "compiled_max",
    "compiled_packed",
    "triton",
    "triton_packed",
    "triton_output",
    "triton_plain",
    "liger",
    "numpy",
    "fused",
)
DEVICES = ("cpu", "cuda")
COUNTED_ONLY = ("fused",)
GPU_ONLY = ("triton", "triton_packed", "triton_output", "triton_plain", "liger")
CPU_ONLY = ("numpy",)
# What is compared when nobody says otherwise.
USUAL = {
    "cpu": ("builtin", "composed", "builtin_packed", "composed_packed"),
    "cuda": (
        *("builtin", "composed", "builtin_packed", "composed_packed"),
        *("compiled", "compiled_packed", "triton", "triton_packed", "triton_output"),
        *("triton_plain", "liger"),
    ),
}

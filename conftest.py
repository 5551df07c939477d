"""Settings for every test and for the kernels that nbval starts (they inherit the environment)."""

import os

# One thread: sums come out the same on every machine, and two test processes do not fight.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

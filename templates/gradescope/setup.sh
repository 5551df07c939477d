#!/usr/bin/env bash
# Gradescope runs this once, when it builds the autograder's image.
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
course=$root/source/course

apt-get update -qq
apt-get install -y -qq --no-install-recommends python3 python3-venv
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "Python 3.11 or newer is needed: choose a newer base image in Gradescope"; exit 1; }

python3 -m venv "$root/venv"
pip() { "$root/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# PyTorch without CUDA is a tenth of the size.
pip "$(grep -oE '^torch==[0-9.]+' "$course/requirements.txt")" \
  --index-url https://download.pytorch.org/whl/cpu
# What chapters import, and the grader, at the versions that the course was tested with.
grep -E '^(numpy|scipy|matplotlib|scikit-learn|mnist1d)==' "$course/requirements.txt" > /tmp/needed.txt
pip -c "$course/constraints.txt" -r /tmp/needed.txt "$course[grading]"

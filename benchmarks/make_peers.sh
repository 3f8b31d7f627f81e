#!/bin/sh
# Makes the environment of those that the benchmarks compare with, from PyPI: mmpose 1.3.2 with torch for the CPU, pycocotools
# and LiteRT. mmpose's own requirements do not install any more; what it only imports is stood in for by peers/standins.py.
#
#   benchmarks/make_peers.sh [FOLDER]     default .peers; then: make bench, or benchmarks/benchmark.py --peer_python FOLDER/bin/python
#
# TORCH names the requirement of torch, TORCH_INDEX where its CPU wheels are; PYTHON another Python 3.10 to 3.12.
set -eu
folder=${1:-.peers}
python=${PYTHON:-python3}
"$python" -m venv --clear --without-pip "$folder"
"$python" -m pip --python "$folder/bin/python" --disable-pip-version-check install --quiet pip "setuptools<81" wheel
pip() { "$folder/bin/python" -m pip --disable-pip-version-check install --quiet "$@"; }
pip --extra-index-url "${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" "${TORCH:-torch>=2.1}"
pip mmengine==0.10.7 json_tricks munkres six scipy opencv-python-headless pycocotools ai-edge-litert
pip --no-build-isolation --no-deps mmcv-lite==2.1.0 mmpose==1.3.2
"$folder/bin/python" - "$(dirname "$0")/peers" << 'CHECK'
import sys

sys.path.insert(0, sys.argv[1])
import standins  # noqa: F401
import ai_edge_litert, mmpose, pycocotools, torch

print("peers:", "mmpose", mmpose.__version__, "torch", torch.__version__)
CHECK

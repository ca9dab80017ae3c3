#!/usr/bin/env bash
# Installs llama-cpp-python's server, which `load engine` compares Azimuth with, into a virtual environment of its
# own. pip builds llama.cpp from source with the flags Azimuth's own engine is built with: minutes, once.
set -euo pipefail

VERSION=0.3.36
home="${AZIMUTH_CACHE:-$HOME/.cache/azimuth}/venv-llama-cpp-python"

if [ -x "$home/bin/python" ] && "$home/bin/python" -c "import llama_cpp.server" 2>/dev/null; then
    echo "already there: $home"
    exit 0
fi

python3 -m venv "$home"
# Set by the caller, CMAKE_ARGS goes over ours.
export CMAKE_ARGS="${CMAKE_ARGS:--DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_OPENMP=OFF}"
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi
"$home/bin/pip" install --quiet --no-binary llama-cpp-python "llama-cpp-python[server]==$VERSION"
"$home/bin/python" -c "import llama_cpp; print('llama-cpp-python', llama_cpp.__version__)"

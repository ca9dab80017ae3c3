#!/usr/bin/env bash
# Prepares `load engine`: llama-cpp-python's server, which Azimuth is compared with, in a virtual environment of its
# own, and a model of a size worth measuring. pip builds llama.cpp from source with the flags of Azimuth's own engine:
# minutes, once.
set -euo pipefail

VERSION=0.3.36
here="$(cd "$(dirname "$0")" && pwd)"
cache="${AZIMUTH_CACHE:-$HOME/.cache/azimuth}"
home="$cache/venv-llama-cpp-python"
model="$cache/bench-models/bench-glm4-150m-q8_0.gguf"

if ! "$home/bin/python" -c "import llama_cpp.server" 2>/dev/null; then
    python3 -m venv "$home"
    # Set by the caller, CMAKE_ARGS goes over ours.
    export CMAKE_ARGS="${CMAKE_ARGS:--DGGML_NATIVE=OFF -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON -DGGML_OPENMP=OFF}"
    if command -v ccache >/dev/null; then
        export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
    fi
    "$home/bin/pip" install --quiet --no-binary llama-cpp-python "llama-cpp-python[server]==$VERSION"
fi
"$home/bin/python" -c "import llama_cpp; print('llama-cpp-python', llama_cpp.__version__)"

if [ ! -f "$model" ]; then
    "$home/bin/pip" install --quiet numpy tokenizers gguf
    "$home/bin/python" "$here/../tools/bench-model/make_bench_glm.py" "$model.part"
    mv "$model.part" "$model"
fi
echo "$model"

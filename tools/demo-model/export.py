#!/usr/bin/env python3
"""Writes the trained model as one GGUF file, with tokenizer and chat template.

    export.py FOLDER FILE.gguf [--f32] [--last]

The weights are those averaged over the end of the training, in 8 bits (Q8_0) unless `--f32` is given.
"""

import argparse
import pathlib
import sys

import torch
from tokenizers import Tokenizer

from dialogues.rendering import TEMPLATE

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tiny-models"))

import gguf  # noqa: E402
from glm_layout import shapes, write_gguf  # noqa: E402

NAME = "Azimuth Demo"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path, help="where `train.py` has its checkpoint")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--f32", action="store_true", help="do not quantise")
    parser.add_argument("--last", action="store_true", help="the last weights, not the averaged ones")
    arguments = parser.parse_args()

    tokenizer = Tokenizer.from_file(str(arguments.folder / "tokenizer.json"))
    saved = torch.load(arguments.folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    kept = saved["optimiser"]["masters" if arguments.last else "averages"]
    weights = {name: value.numpy() for name, value in kept.items()}
    expected = shapes("glm4", saved["config"])
    del expected["lm_head.weight"]
    if {name: value.shape for name, value in weights.items()} != expected:
        raise SystemExit("the checkpoint is not of a GLM-4 with tied embeddings")

    matrices = gguf.GGMLQuantizationType.F32 if arguments.f32 else gguf.GGMLQuantizationType.Q8_0
    write_gguf(arguments.out, "glm4", saved["config"], weights, tokenizer, NAME, matrices, TEMPLATE.read_text())
    size = sum(value.size for value in weights.values())
    print(f"{arguments.out}: {size:,} parameters, {arguments.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes a random-weight dense GLM-4 of about 150 million parameters for speed tests: one Q8_0 GGUF file.

    pip install numpy tokenizers gguf
    make_bench_glm.py FILE

It says nothing of meaning, but it computes what a trained model of its shape computes. It can only say printable
ASCII, never a control token or half a character, so an answer is exactly as long as `max_tokens` asks for.
"""

import pathlib
import sys

import gguf
import numpy as np

TINY_MODELS = pathlib.Path(__file__).resolve().parent.parent / "tiny-models"
sys.path.insert(0, str(TINY_MODELS))

from glm_layout import ADDED_TOKENS, random_weights, shapes, train_tokenizer, write_gguf  # noqa: E402
from make_tiny_glm import CORPUS, DENSE  # noqa: E402

SEED = 7
TRAINED_VOCABULARY = 640
CONFIG = DENSE | dict(
    vocab_size=8192,
    hidden_size=896,
    num_hidden_layers=16,
    num_attention_heads=14,
    num_key_value_heads=2,
    head_dim=64,
    intermediate_size=2560,
    max_position_embeddings=16384,
    attention_bias=False,
)


def silence(output: np.ndarray, tokenizer) -> None:
    """Takes everything but printable ASCII out of what can be said."""
    # How byte-level vocabularies write ASCII: each character as itself, and the space as this letter.
    sayable = {chr(code) for code in range(ord("!"), ord("~") + 1)} | {"\u0120"}
    added = {text for text, _ in ADDED_TOKENS}
    output[TRAINED_VOCABULARY:] = 0
    for text, number in tokenizer.get_vocab(with_added_tokens=True).items():
        if text in added or not set(text) <= sayable:
            output[number] = 0


def main():
    path = pathlib.Path(sys.argv[1])
    path.parent.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(CORPUS, TRAINED_VOCABULARY)
    weights = random_weights(shapes("glm4", CONFIG), SEED)
    silence(weights["lm_head.weight"], tokenizer)
    print("parameters:", sum(values.size for values in weights.values()))
    write_gguf(path, "glm4", CONFIG, weights, tokenizer, "bench", gguf.GGMLQuantizationType.Q8_0)
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Makes the tiny random-weight GLM models that the engine's tests run, the same bytes every time.

    pip install numpy tokenizers gguf
    make_tiny_glm.py OUT_DIR [--hf]

Writes OUT_DIR/tiny-glm4.gguf (dense, 156 thousand parameters) and OUT_DIR/tiny-glm4moe.gguf (mixture of
experts, 256 thousand). With --hf (and safetensors installed) it also writes each as a Hugging Face folder, for
`golden.py`.
"""

import argparse
import hashlib
import json
import pathlib

from glm_layout import CHAT_TEMPLATE, random_weights, shapes, train_tokenizer, write_gguf

SEED = 20250728

CORPUS = [
    "Hello! How can I help you today?",
    "The quick brown fox jumps over the lazy dog.",
    "You may call one or more functions to assist with the user query.",
    "You are provided with function signatures within <tools></tools> XML tags:",
    "For each function call, output the function name and arguments within the following XML format:",
    '{"type": "function", "function": {"name": "get_weather", "description": "Get the weather", '
    '"parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}',
    "get_weather Beijing Paris London Tokyo",
    "你好，今天天气怎么样？",
    "北京的天气很好。",
    'fn main() { println!("hello"); }',
    "1 2 3 10 42 100 2025",
    "\n\n",
    "  \t",
] * 4

DENSE = dict(
    vocab_size=640,
    hidden_size=64,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=16,
    intermediate_size=128,
    max_position_embeddings=4096,
    rms_norm_eps=1e-5,
    rope_theta=10000.0,
    partial_rotary_factor=0.5,
    attention_bias=True,
)
MIXTURE = dict(
    DENSE,
    num_hidden_layers=3,
    n_routed_experts=8,
    num_experts_per_tok=2,
    n_shared_experts=1,
    moe_intermediate_size=32,
    first_k_dense_replace=1,
    routed_scaling_factor=1.5,
    norm_topk_prob=True,
    use_qk_norm=True,
    n_group=1,
    topk_group=1,
)
MODELS = {"tiny-glm4": ("glm4", DENSE), "tiny-glm4moe": ("glm4moe", MIXTURE)}


def make(out: pathlib.Path, with_hugging_face: bool = False) -> list[pathlib.Path]:
    """Writes all models to `out` and returns the GGUF files."""
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(CORPUS, DENSE["vocab_size"])
    written = []
    for name, (architecture, config) in MODELS.items():
        weights = random_weights(shapes(architecture, config), SEED)
        path = out / f"{name}.gguf"
        write_gguf(path, architecture, config, weights, tokenizer, name)
        written.append(path)
        if with_hugging_face:
            write_hugging_face(out / name, architecture, config, weights, tokenizer)
    return written


def write_hugging_face(folder: pathlib.Path, architecture: str, config: dict, weights: dict, tokenizer):
    """The same weights for `transformers`."""
    from safetensors.numpy import save_file

    folder.mkdir(exist_ok=True)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    ids = tokenizer.get_vocab(with_added_tokens=True)
    stops = [ids["<|endoftext|>"], ids["<|user|>"], ids["<|observation|>"]]
    rope = {key: config[key] for key in ("rope_theta", "partial_rotary_factor")}
    described = config | {
        "architectures": ["Glm4ForCausalLM" if architecture == "glm4" else "Glm4MoeForCausalLM"],
        "model_type": "glm4" if architecture == "glm4" else "glm4_moe",
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "torch_dtype": "float32",
        "rope_parameters": {"rope_type": "default"} | rope,
        "eos_token_id": stops,
        "pad_token_id": stops[0],
    }
    (folder / "config.json").write_text(json.dumps(described, indent=1))
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": stops, "pad_token_id": stops[0]}))
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
        "chat_template": CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer_config, indent=1))
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--hf", action="store_true", help="also write Hugging Face folders")
    arguments = parser.parse_args()
    for path in make(arguments.out, arguments.hf):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, path.name)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Reference results of the tiny models, from Hugging Face transformers in F32.

    pip install numpy tokenizers gguf safetensors torch transformers
    golden.py ../../crates/engine/tests/golden

Run by a person when the models or the prompt change; the tests read what it wrote. For each model: the token
ids of a prompt with every special thing in it, the logits at a few positions, and the greedy continuation.
"""

import json
import pathlib
import sys
import tempfile

import torch
from make_tiny_glm import MODELS, make
from transformers import AutoModelForCausalLM, AutoTokenizer

CONTINUATION = 32

MESSAGES = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "What is the weather in Beijing? 你好 123"},
    {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"function": {"name": "get_weather", "arguments": {"city": "Beijing", "days": 3}}}],
    },
    {"role": "tool", "content": "sunny"},
]
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def golden(folder: pathlib.Path) -> dict:
    """The reference results of the model in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    text = tokenizer.apply_chat_template(MESSAGES, tools=TOOLS, add_generation_prompt=True, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0].float()
        longer = model.generate(torch.tensor([ids]), max_new_tokens=CONTINUATION, do_sample=False, eos_token_id=None)
    positions = [0, 1, len(ids) // 2, len(ids) - 1]
    return {
        "text": text,
        "ids": ids,
        "logits": {str(p): [round(v, 7) for v in logits[p].tolist()] for p in positions},
        "greedy": longer[0, len(ids) :].tolist(),
    }


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        make(pathlib.Path(scratch), with_hugging_face=True)
        for name in MODELS:
            result = golden(pathlib.Path(scratch) / name)
            (out / f"{name}.json").write_text(json.dumps(result, ensure_ascii=False) + "\n")
            print(name, len(result["ids"]), "tokens")


if __name__ == "__main__":
    main()

"""How GLM-4 and GLM-4.5-MoE weights are shaped, named and written: tokenizer, tensors, GGUF.

Needs numpy, tokenizers and gguf. Everything here is deterministic.
"""

from __future__ import annotations

import hashlib
import json
import pathlib

import gguf
import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

# The added tokens of the GLM-4.5 family, in the order of its vocabulary. `True` marks those that
# "skip special tokens" hides; the others are markup that stays in the text.
ADDED_TOKENS = [
    ("<|endoftext|>", True),
    ("[MASK]", True),
    ("[gMASK]", True),
    ("[sMASK]", True),
    ("<sop>", True),
    ("<eop>", True),
    ("<|system|>", True),
    ("<|user|>", True),
    ("<|assistant|>", True),
    ("<|observation|>", True),
    ("<|begin_of_image|>", True),
    ("<|end_of_image|>", True),
    ("<|begin_of_video|>", True),
    ("<|end_of_video|>", True),
    ("<|begin_of_audio|>", True),
    ("<|end_of_audio|>", True),
    ("<|begin_of_transcription|>", True),
    ("<|end_of_transcription|>", True),
    ("<|code_prefix|>", True),
    ("<|code_middle|>", True),
    ("<|code_suffix|>", True),
    ("<think>", False),
    ("</think>", False),
    ("<tool_call>", False),
    ("</tool_call>", False),
    ("<tool_response>", False),
    ("</tool_response>", False),
    ("<arg_key>", False),
    ("</arg_key>", False),
    ("<arg_value>", False),
    ("</arg_value>", False),
    ("/nothink", True),
    ("<|begin_of_box|>", True),
    ("<|end_of_box|>", True),
    ("<|image|>", True),
    ("<|video|>", True),
]

# How the family splits text before merging: letters, digits in groups of up to three, punctuation, space.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = pathlib.Path(__file__).with_name("chat_template.jinja").read_text()


def train_tokenizer(lines: list[str], vocabulary: int) -> Tokenizer:
    """A byte-level BPE tokenizer of `vocabulary` entries, the added tokens included."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(ADDED_TOKENS),
        show_progress=False,
        special_tokens=[],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
    )
    tokenizer.train_from_iterator(lines, trainer)
    tokenizer.add_tokens([AddedToken(text, special=special, normalized=False) for text, special in ADDED_TOKENS])
    return tokenizer


def shapes(architecture: str, config: dict) -> dict[str, tuple[int, ...]]:
    """The tensors of a model by their Hugging Face names; `architecture` is `glm4` or `glm4moe`."""
    hidden, head, vocabulary = config["hidden_size"], config["head_dim"], config["vocab_size"]
    queries, keys = config["num_attention_heads"] * head, config["num_key_value_heads"] * head
    feed = config["intermediate_size"]

    tensors = {
        "model.embed_tokens.weight": (vocabulary, hidden),
        "model.norm.weight": (hidden,),
        "lm_head.weight": (vocabulary, hidden),
    }
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        tensors |= {
            at + "input_layernorm.weight": (hidden,),
            at + "post_attention_layernorm.weight": (hidden,),
            at + "self_attn.q_proj.weight": (queries, hidden),
            at + "self_attn.k_proj.weight": (keys, hidden),
            at + "self_attn.v_proj.weight": (keys, hidden),
            at + "self_attn.o_proj.weight": (hidden, queries),
        }
        if config["attention_bias"]:
            tensors |= {at + f"self_attn.{n}_proj.bias": (d,) for n, d in (("q", queries), ("k", keys), ("v", keys))}

        if architecture == "glm4":
            tensors |= {
                at + "post_self_attn_layernorm.weight": (hidden,),
                at + "post_mlp_layernorm.weight": (hidden,),
                at + "mlp.gate_up_proj.weight": (2 * feed, hidden),
                at + "mlp.down_proj.weight": (hidden, feed),
            }
            continue

        if config["use_qk_norm"]:
            tensors |= {at + f"self_attn.{n}_norm.weight": (head,) for n in "qk"}
        if layer < config["first_k_dense_replace"]:
            tensors |= {at + f"mlp.{n}_proj.weight": (feed, hidden) for n in ("gate", "up")}
            tensors |= {at + "mlp.down_proj.weight": (hidden, feed)}
            continue
        experts, narrow = config["n_routed_experts"], config["moe_intermediate_size"]
        shared = narrow * config["n_shared_experts"]
        tensors |= {at + "mlp.gate.weight": (experts, hidden), at + "mlp.gate.e_score_correction_bias": (experts,)}
        for expert in range(experts):
            tensors |= {at + f"mlp.experts.{expert}.{n}_proj.weight": (narrow, hidden) for n in ("gate", "up")}
            tensors |= {at + f"mlp.experts.{expert}.down_proj.weight": (hidden, narrow)}
        tensors |= {at + f"mlp.shared_experts.{n}_proj.weight": (shared, hidden) for n in ("gate", "up")}
        tensors |= {at + "mlp.shared_experts.down_proj.weight": (hidden, shared)}
    return tensors


def random_weights(tensors: dict[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Weights drawn so that activations stay near one. Each tensor has a stream of its own, named after it,
    so that adding one does not change the others."""
    weights = {}
    for name, shape in tensors.items():
        stream = int.from_bytes(hashlib.sha256(f"{seed}:{name}".encode()).digest()[:8], "little")
        values = np.random.Generator(np.random.PCG64(stream)).standard_normal(shape, dtype=np.float32)
        if len(shape) == 1 and name.endswith("norm.weight"):
            values = 1.0 + 0.1 * values
        elif name.endswith("bias"):
            values = 0.1 * values
        elif "embed_tokens" in name:
            values = values * 0.5
        else:
            values = values * 1.0 / np.sqrt(shape[-1])
        weights[name] = values.astype(np.float32)
    return weights


def gguf_name(name: str, architecture: str) -> str:
    """A tensor's name in GGUF."""
    outer = {
        "model.embed_tokens.weight": "token_embd.weight",
        "model.norm.weight": "output_norm.weight",
        "lm_head.weight": "output.weight",
    }
    if name in outer:
        return outer[name]
    _, _, layer, rest = name.split(".", 3)
    inner = {
        "input_layernorm.weight": "attn_norm.weight",
        # One name, two places: GLM-4 has four norms a layer and this one comes before the MLP; in the MoE
        # family there are two, and GGUF names it after the attention it follows.
        "post_attention_layernorm.weight": "ffn_norm.weight" if architecture == "glm4" else "post_attention_norm.weight",
        "post_self_attn_layernorm.weight": "post_attention_norm.weight",
        "post_mlp_layernorm.weight": "post_ffw_norm.weight",
        "self_attn.o_proj.weight": "attn_output.weight",
        "self_attn.q_norm.weight": "attn_q_norm.weight",
        "self_attn.k_norm.weight": "attn_k_norm.weight",
        "mlp.gate_up_proj.weight": "ffn_up.weight",
        "mlp.down_proj.weight": "ffn_down.weight",
        "mlp.gate_proj.weight": "ffn_gate.weight",
        "mlp.up_proj.weight": "ffn_up.weight",
        "mlp.gate.weight": "ffn_gate_inp.weight",
        "mlp.gate.e_score_correction_bias": "exp_probs_b.bias",
        "mlp.shared_experts.gate_proj.weight": "ffn_gate_shexp.weight",
        "mlp.shared_experts.up_proj.weight": "ffn_up_shexp.weight",
        "mlp.shared_experts.down_proj.weight": "ffn_down_shexp.weight",
    }
    for n in "qkv":
        inner[f"self_attn.{n}_proj.weight"] = f"attn_{n}.weight"
        inner[f"self_attn.{n}_proj.bias"] = f"attn_{n}.bias"
    return f"blk.{layer}.{inner[rest]}"


def write_gguf(
    path: pathlib.Path,
    architecture: str,
    config: dict,
    weights: dict,
    tokenizer: Tokenizer,
    name: str,
    matrices: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    chat_template: str = CHAT_TEMPLATE,
):
    """Writes the model, its tokenizer and its chat template as one GGUF file: matrices as given, the rest in F32.

    Weights without `lm_head.weight` are those of a model with tied embeddings.
    """
    is_quantized = matrices != gguf.GGMLQuantizationType.F32
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0 if is_quantized else gguf.LlamaFileType.ALL_F32)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(int(config["head_dim"] * config["partial_rotary_factor"]))
    if architecture == "glm4moe":
        writer.add_expert_count(config["n_routed_experts"])
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_shared_count(config["n_shared_experts"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
        writer.add_leading_dense_block_count(config["first_k_dense_replace"])
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
        writer.add_expert_weights_scale(config["routed_scaling_factor"])
        writer.add_expert_weights_norm(config["norm_topk_prob"])
    write_tokenizer(writer, tokenizer, config["vocab_size"])
    writer.add_chat_template(chat_template)

    def put(tensor_name, values):
        values = np.ascontiguousarray(values, np.float32)
        if is_quantized and values.ndim > 1:
            writer.add_tensor(tensor_name, gguf.quants.quantize(values, matrices), raw_dtype=matrices)
        else:
            writer.add_tensor(tensor_name, values)

    for tensor_name, values in weights.items():
        if ".experts." not in tensor_name:
            put(gguf_name(tensor_name, architecture), values)
    if architecture == "glm4moe":
        for layer in range(config["first_k_dense_replace"], config["num_hidden_layers"]):
            for n in ("gate", "up", "down"):
                experts = range(config["n_routed_experts"])
                stacked = [weights[f"model.layers.{layer}.mlp.experts.{e}.{n}_proj.weight"] for e in experts]
                put(f"blk.{layer}.ffn_{n}_exps.weight", np.stack(stacked))

    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer, vocabulary: int):
    """The tokenizer as GGUF spells it: a byte-level BPE with the family's splitting rule."""
    state = json.loads(tokenizer.to_str())
    ids = tokenizer.get_vocab(with_added_tokens=True)
    texts = {token_id: text for text, token_id in ids.items()}
    added = {entry["id"]: entry for entry in state["added_tokens"]}
    tokens, types = [], []
    for token_id in range(vocabulary):
        if token_id not in texts:
            tokens.append(f"[PAD{token_id}]")
            types.append(gguf.TokenType.UNUSED)
            continue
        tokens.append(texts[token_id])
        if token_id not in added:
            types.append(gguf.TokenType.NORMAL)
        elif added[token_id]["special"]:
            types.append(gguf.TokenType.CONTROL)
        else:
            types.append(gguf.TokenType.USER_DEFINED)

    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("glm4")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in state["model"]["merges"]])
    writer.add_eos_token_id(ids["<|endoftext|>"])
    writer.add_eot_token_id(ids["<|user|>"])
    writer.add_eom_token_id(ids["<|observation|>"])
    writer.add_unk_token_id(ids["<|endoftext|>"])
    writer.add_pad_token_id(ids["<|endoftext|>"])
    writer.add_add_bos_token(False)

"""The GLM-4 network (`Glm4ForCausalLM`) in PyTorch, as small as it can be, with tied embeddings."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from beginning import write_induction_heads

CONFIG = dict(
    vocab_size=5120,
    hidden_size=256,
    num_hidden_layers=6,
    num_attention_heads=4,
    num_key_value_heads=2,
    head_dim=64,
    intermediate_size=576,
    # What the file promises; the rotation has no end.
    max_position_embeddings=8192,
    rms_norm_eps=1e-5,
    rope_theta=10000.0,
    partial_rotary_factor=0.5,
    attention_bias=True,
)

# Embeddings begin louder than what a layer adds to them, so that from the first step on every layer sees which token
# it is at.
EMBEDDING_STD = 0.05
BRANCH_SCALE = 0.03


class Norm(nn.Module):
    def __init__(self, width: int, epsilon: float, scale: float = 1.0):
        super().__init__()
        self.weight = nn.Parameter(torch.full((width,), scale))
        self.epsilon = epsilon

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.epsilon)
        return (wide * self.weight.float()).to(x.dtype)


class Attention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden, self.head = config["hidden_size"], config["head_dim"]
        self.heads, self.groups = config["num_attention_heads"], config["num_key_value_heads"]
        self.q_proj = nn.Linear(hidden, self.heads * self.head)
        self.k_proj = nn.Linear(hidden, self.groups * self.head)
        self.v_proj = nn.Linear(hidden, self.groups * self.head)
        self.o_proj = nn.Linear(self.heads * self.head, hidden, bias=False)

    def forward(self, x, cos, sin):
        batch, length, _ = x.shape
        q = self.q_proj(x).view(batch, length, self.heads, self.head)
        k = self.k_proj(x).view(batch, length, self.groups, self.head)
        v = self.v_proj(x).view(batch, length, self.groups, self.head)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        # The heads of a group read the same keys: as rows of one matrix they need no copies of them. Written out
        # because on a processor PyTorch's fused attention takes three times as long in bfloat16.
        q = (
            q.view(batch, length, self.groups, -1, self.head)
            .permute(0, 2, 3, 1, 4)
            .reshape(batch, self.groups, -1, self.head)
        )
        scores = (q * self.head**-0.5) @ k.permute(0, 2, 3, 1)
        scores = scores.view(batch, self.groups, -1, length, length) + causal(length, scores)
        weights = F.softmax(scores, dim=-1).view(batch, self.groups, -1, length)
        mixed = (weights @ v.transpose(1, 2)).view(batch, self.heads, length, self.head)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))


def causal(length: int, like: torch.Tensor) -> torch.Tensor:
    """Minus infinity where a position would look ahead."""
    return torch.full((length, length), float("-inf"), dtype=like.dtype, device=like.device).triu(1)


def rotate(x, cos, sin):
    """Rotary positions on the first part of each head, in neighbouring pairs."""
    width = cos.shape[-1] * 2
    turned, rest = x[..., :width].unflatten(-1, (-1, 2)), x[..., width:]
    even, odd = turned[..., 0], turned[..., 1]
    cos, sin = cos[:, None], sin[:, None]
    pairs = torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1)
    return torch.cat((pairs.flatten(-2).to(x.dtype), rest), dim=-1)


class Mlp(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden, inner = config["hidden_size"], config["intermediate_size"]
        self.gate_up_proj = nn.Linear(hidden, 2 * inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x):
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(F.silu(gate) * up)


class Layer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        hidden, epsilon = config["hidden_size"], config["rms_norm_eps"]
        self.self_attn, self.mlp = Attention(config), Mlp(config)
        self.input_layernorm, self.post_attention_layernorm = Norm(hidden, epsilon), Norm(hidden, epsilon)
        self.post_self_attn_layernorm = Norm(hidden, epsilon, BRANCH_SCALE)
        self.post_mlp_layernorm = Norm(hidden, epsilon, BRANCH_SCALE)

    def forward(self, x, cos, sin):
        x = x + self.post_self_attn_layernorm(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.post_mlp_layernorm(self.mlp(self.post_attention_layernorm(x)))


class Body(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.embed_tokens = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.norm = Norm(config["hidden_size"], config["rms_norm_eps"])


class Glm4(nn.Module):
    """Parameters have the names of `transformers`, so that one map leads to GGUF."""

    def __init__(self, config: dict):
        super().__init__()
        self.model = Body(config)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
        nn.init.normal_(self.model.embed_tokens.weight, std=EMBEDDING_STD)
        write_induction_heads(self, config)
        width = int(config["head_dim"] * config["partial_rotary_factor"])
        speeds = config["rope_theta"] ** (-torch.arange(0, width, 2).float() / width)
        angles = torch.arange(config["max_position_embeddings"]).float()[:, None] * speeds
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, tokens, where):
        """Scores for the next token, at the flat positions `where` only: most of a text is prompt."""
        length = tokens.shape[1]
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, self.cos[:length], self.sin[:length])
        chosen = self.model.norm(x.flatten(0, 1)[where])
        return F.linear(chosen, self.model.embed_tokens.weight)

    def size(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())

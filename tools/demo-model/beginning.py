"""Weights to begin with: a network that can copy before it has learned anything.

A small transformer learns to copy late, and all at once, when two of its heads find each other: one that tells every
place which tokens came before it, and one that looks for the place whose predecessor is the present token, and says
what stands there (an induction head). Until then training gains little. Both can be written down, so they are:

    layer 0, heads 0 and 1   look one and two places back, by their positions alone, and leave what they see in
                             directions of their own
    layer 1, heads 0 and 1   look where the token before is the one we are at
    layer 1, heads 2 and 3   the same, where the token before that also agrees
    all four                 write the token they find

They are a beginning like any other: the training changes them as it likes.
"""

from __future__ import annotations

import math

import torch

# How loud the four heads are, beside embeddings of half of it.
LOUDNESS = 0.1
# How sharply the first two heads tell a place from its neighbour, and on how many of the fast rotations.
POSITION_SHARPNESS = 8.0
POSITION_PAIRS = 6
# How much agreement counts against the chance likeness of other tokens.
MATCH_SHARPNESS = 2.2


@torch.no_grad()
def write_induction_heads(network, config: dict):
    head, hidden = config["head_dim"], config["hidden_size"]
    if config["num_attention_heads"] != 4 or config["num_key_value_heads"] != 2 or hidden < 4 * head:
        raise ValueError("the beginning is written for four heads in two groups, and directions for four heads")
    # Four sets of directions that share nothing: two in which tokens are read and written, two for what came before.
    directions = torch.linalg.qr(torch.randn(hidden, hidden)).Q.T
    token, before, earlier, other = directions[: 4 * head].split(head)
    _look_back(network.model.layers[0].self_attn, config, token, (before, earlier))
    _look_for(network.model.layers[1].self_attn, config, token, before, earlier, other)
    for layer in network.model.layers[:2]:
        layer.post_self_attn_layernorm.weight.fill_(LOUDNESS)


def _look_back(attention, config: dict, token, kept):
    head = config["head_dim"]
    width = int(head * config["partial_rotary_factor"])
    speeds = config["rope_theta"] ** (-torch.arange(0, width, 2).float() / width)
    for part in (attention.q_proj, attention.k_proj):
        # The first group looks at positions only, which are in the biases.
        rows = 2 * head if part is attention.q_proj else head
        part.weight[:rows] = 0
    attention.k_proj.bias[0 : 2 * POSITION_PAIRS : 2] = POSITION_SHARPNESS
    for which, distance in enumerate((1, 2)):
        query = attention.q_proj.bias[which * head : (which + 1) * head]
        for pair in range(POSITION_PAIRS):
            angle = -distance * speeds[pair].item()
            query[2 * pair] = POSITION_SHARPNESS * math.cos(angle)
            query[2 * pair + 1] = POSITION_SHARPNESS * math.sin(angle)
    attention.v_proj.weight[:head] = token
    attention.o_proj.weight.zero_()
    for which, place in enumerate(kept):
        attention.o_proj.weight[:, which * head : (which + 1) * head] = place.T


def _look_for(attention, config: dict, token, before, earlier, other):
    head = config["head_dim"]
    still = int(head * config["partial_rotary_factor"])  # what comes after is not rotated
    count = head - still
    for part in (attention.q_proj, attention.k_proj):
        part.weight.zero_()
    for which in range(4):
        query = attention.q_proj.weight[which * head + still : (which + 1) * head]
        if which < 2:
            query[:] = MATCH_SHARPNESS * token[:count]
        else:
            query[: count // 2] = MATCH_SHARPNESS * token[: count // 2]
            query[count // 2 :] = MATCH_SHARPNESS * before[: count // 2]
    one, two = attention.k_proj.weight[still:head], attention.k_proj.weight[head + still : 2 * head]
    one[:] = MATCH_SHARPNESS * before[:count]
    two[: count // 2] = MATCH_SHARPNESS * before[: count // 2]
    two[count // 2 :] = MATCH_SHARPNESS * earlier[: count // 2]
    attention.v_proj.weight[:head], attention.v_proj.weight[head:] = token, other
    for which in range(4):
        place = token if which < 2 else other
        attention.o_proj.weight[:, which * head : (which + 1) * head] = place.T

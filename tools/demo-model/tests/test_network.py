"""The network: what it can do before any training, and that it is the one the engine runs."""

import torch

from network import CONFIG, Glm4
from optimiser import orthogonal


def untrained() -> Glm4:
    torch.manual_seed(1)
    return Glm4(CONFIG)


def test_an_untrained_network_already_copies():
    network = untrained()
    once = torch.randint(300, 5000, (1, 60))
    with torch.no_grad():
        scores = network(torch.cat([once, once], dim=1), torch.arange(119))
    copied = scores[60:].argmax(-1) == once[0, 1:]
    assert copied.float().mean() > 0.5


def test_no_place_sees_what_comes_later():
    network, tokens = untrained(), torch.randint(300, 5000, (1, 40))
    changed = tokens.clone()
    changed[0, 30:] += 1
    with torch.no_grad():
        one, other = (network(each, torch.arange(30)) for each in (tokens, changed))
    assert torch.allclose(one, other, atol=1e-5)


def test_a_dialogue_in_a_batch_is_scored_as_alone():
    network, tokens = untrained(), torch.randint(300, 5000, (1, 40))
    padded = torch.cat(
        [torch.cat([tokens, torch.zeros(1, 24, dtype=torch.long)], 1), torch.zeros(1, 64, dtype=torch.long)]
    )
    with torch.no_grad():
        assert torch.allclose(network(tokens, torch.arange(40)), network(padded, torch.arange(40)), atol=1e-4)


def test_muon_makes_singular_values_alike():
    values = torch.linalg.svdvals(orthogonal(torch.randn(96, 32)))
    assert values.min() > 0.5 and values.max() < 1.5

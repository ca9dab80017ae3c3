"""Muon for matrices, AdamW for the rest, on F32 copies of the weights that the network holds in its own precision."""

from __future__ import annotations

import contextlib

import torch

# Five steps of the quintic iteration bring the singular values of any matrix close to one.
QUINTIC = (3.4445, -4.7750, 2.0315)
STEPS = 5


class Optimiser:
    """Updates `network`; its state can be saved and loaded."""

    def __init__(self, network: torch.nn.Module, about):
        """`about` has `rate`, `decay`, `average` and `optimiser`."""
        self.parameters = dict(network.named_parameters())
        self.masters = {name: value.detach().float().clone() for name, value in self.parameters.items()}
        self.averages = {name: value.clone() for name, value in self.masters.items()}
        is_matrix = {name: value.dim() == 2 and "embed" not in name for name, value in self.masters.items()}
        self.muon = [name for name in self.masters if about.optimiser == "muon" and is_matrix[name]]
        self.adam = [name for name in self.masters if name not in self.muon]
        self.momenta = {name: torch.zeros_like(self.masters[name]) for name in self.masters}
        self.squares = {name: torch.zeros_like(self.masters[name]) for name in self.adam}
        self.decays = {name: about.decay if is_matrix[name] else 0.0 for name in self.masters}
        self.rate, self.average, self.count = about.rate, about.average, 0

    @torch.no_grad()
    def step(self, scale: float):
        """One update at `scale` times the learning rate."""
        self.count += 1
        gradients = {name: parameter.grad.float() for name, parameter in self.parameters.items()}
        norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm()
        clip = 1.0 / max(1.0, norm.item())
        rate = self.rate * scale
        for name in self.muon:
            self._muon(name, gradients[name], rate)
        for name in self.adam:
            self._adam(name, gradients[name] * clip, rate)
        # A short memory at first, or the beginning would be averaged in for a long time.
        keep = min(self.average, self.count / (self.count + 20))
        names = list(self.masters)
        torch._foreach_lerp_([self.averages[n] for n in names], [self.masters[n] for n in names], 1 - keep)
        torch._foreach_copy_([self.parameters[n] for n in names], [self.masters[n] for n in names])
        for parameter in self.parameters.values():
            parameter.grad = None

    def _muon(self, name: str, gradient: torch.Tensor, rate: float):
        momentum = self.momenta[name]
        momentum.lerp_(gradient, 0.05)
        update = orthogonal(gradient.lerp(momentum, 0.95))
        # Scaled so that its elements are as large as those of an AdamW update.
        update *= 0.2 * max(update.shape) ** 0.5
        self.masters[name].mul_(1 - rate * self.decays[name]).add_(update, alpha=-rate)

    def _adam(self, name: str, gradient: torch.Tensor, rate: float, first=0.9, second=0.98):
        momentum, square = self.momenta[name], self.squares[name]
        momentum.lerp_(gradient, 1 - first)
        square.mul_(second).addcmul_(gradient, gradient, value=1 - second)
        size = (square / (1 - second**self.count)).sqrt_().add_(1e-10)
        master = self.masters[name].mul_(1 - rate * self.decays[name])
        master.addcdiv_(momentum, size, value=-rate / (1 - first**self.count))

    @contextlib.contextmanager
    def averaged(self):
        """Lets the network have the averaged weights for a while."""
        self._give(self.averages)
        try:
            yield
        finally:
            self._give(self.masters)

    @torch.no_grad()
    def _give(self, weights: dict[str, torch.Tensor]):
        for name, parameter in self.parameters.items():
            parameter.copy_(weights[name])

    def state(self) -> dict:
        kept = ("masters", "averages", "momenta", "squares", "count")
        return {name: getattr(self, name) for name in kept}

    @torch.no_grad()
    def load(self, state: dict):
        for name in ("masters", "averages", "momenta", "squares"):
            mine = getattr(self, name)
            for key, value in state[name].items():
                mine[key].copy_(value)
        self.count = state["count"]
        self._give(self.masters)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Nearly the orthogonal matrix next to `matrix`, by Newton-Schulz iteration in bfloat16."""
    a, b, c = QUINTIC
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if is_tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if is_tall else x).float()

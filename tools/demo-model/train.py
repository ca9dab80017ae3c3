#!/usr/bin/env python3
"""Trains the demo model from scratch, on a processor or one GPU.

    train.py FOLDER --tokens 40e6 [--minutes 60]

FOLDER holds `tokenizer.json` (see `train_tokenizer.py`), and gets `checkpoint.pt` and `log.jsonl`. Run it again to go
on where it stopped: `--tokens` is the length of the whole training, `--minutes` of this run. Ctrl-C or SIGTERM ends
it with a checkpoint.
"""

import argparse
import ctypes
import dataclasses
import json
import math
import os
import pathlib
import platform
import signal
import time

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from batches import stream
from dialogues.model_facts import SIZE
from examination import Examination, percent
from network import CONFIG, Glm4
from optimiser import Optimiser

WARM_UP_STEPS = 100
# The learning rate stays until this share of the training is left, then falls to nothing.
COOL_DOWN = 0.3
# How long copying is practised more than anything else.
PRACTICE_TOKENS = 5e5
CHECKPOINT_SECONDS = 240
LOG_STEPS = 20


@dataclasses.dataclass
class Progress:
    """How far the training is. Time is that of the processor, which others do not slow down."""

    steps: int = 0
    tokens: int = 0
    draw: int = 0
    cpu_seconds: float = 0.0


def main():
    arguments = parse()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    keep_memory()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = Tokenizer.from_file(str(arguments.folder / "tokenizer.json"))
    network = Glm4(CONFIG)
    if f"{network.size() / 1e6:.0f} million" != SIZE:
        raise SystemExit(f"the model would say that it has {SIZE} parameters, but it has {network.size():,}")
    network.to(device)
    optimiser = Optimiser(network, arguments)
    for parameter in network.parameters():
        parameter.data = parameter.data.to(torch.bfloat16 if arguments.precision == "bf16" else torch.float32)
    progress = Progress()
    checkpoint = arguments.folder / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        optimiser.load(saved["optimiser"])
        progress = Progress(**saved["progress"])
    Training(arguments, device, tokenizer, network, optimiser, progress, checkpoint).run()


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tokens", type=float, required=True, help="length of the whole training")
    parser.add_argument("--minutes", type=float, default=math.inf, help="when to stop this run")
    parser.add_argument("--batch", type=int, default=2048, help="tokens of a step")
    parser.add_argument("--rate", type=float, default=6e-3, help="learning rate")
    parser.add_argument("--decay", type=float, default=0.05, help="weight decay of matrices")
    parser.add_argument("--average", type=float, default=0.998, help="memory of the averaged weights")
    parser.add_argument("--optimiser", choices=["muon", "adam"], default="muon")
    parser.add_argument("--precision", choices=["bf16", "f32"], default="bf16")
    parser.add_argument("--compile", action="store_true", help="worth it for runs over ten minutes")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--examined", type=int, default=250, help="held-back dialogues at each checkpoint; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def keep_memory():
    """Tells the C library to keep freed memory: giving it back after each layer takes a third of the time."""
    if platform.libc_ver()[0] == "glibc":
        trim_threshold, mmap_threshold = -1, -3
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(mmap_threshold, 1 << 30)
        libc.mallopt(trim_threshold, 2**31 - 1)


class Training:
    def __init__(self, arguments, device, tokenizer, network, optimiser, progress: Progress, checkpoint: pathlib.Path):
        self.arguments, self.device, self.tokenizer = arguments, device, tokenizer
        self.network, self.optimiser, self.progress = network, optimiser, progress
        self.checkpoint, self.log_file = checkpoint, arguments.folder / "log.jsonl"
        self.run_network = torch.compile(network, dynamic=True) if arguments.compile else network
        self.is_stopped = False
        self.examination = Examination(tokenizer, arguments.examined) if arguments.examined else None

    def share(self) -> float:
        return min(1.0, self.progress.tokens / self.arguments.tokens)

    def practice(self) -> float:
        return min(1.0, self.progress.tokens / PRACTICE_TOKENS)

    def scale(self) -> float:
        """The learning rate's share of its full value."""
        warm = min(1.0, (self.progress.steps + 1) / WARM_UP_STEPS)
        return warm * min(1.0, max(0.02, (1 - self.share()) / COOL_DOWN))

    def run(self):
        begun, saved, cpu_begun = time.monotonic(), time.monotonic(), time.process_time() - self.progress.cpu_seconds
        loss_mean, about = None, self.arguments
        batches = stream(self.tokenizer, about.seed, self.progress.draw, about.batch, self.practice)
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        while self.share() < 1 and time.monotonic() - begun < about.minutes * 60 and not self.is_stopped:
            draw, batch = next(batches)
            if draw != self.progress.draw and time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.save(draw)
                saved = time.monotonic()
            self.progress.draw = draw
            loss = self.step(batch)
            loss_mean = loss if loss_mean is None else 0.95 * loss_mean + 0.05 * loss
            self.progress.cpu_seconds = time.process_time() - cpu_begun
            if self.progress.steps % LOG_STEPS == 0:
                self.log(loss=round(loss_mean, 4), scale=round(self.scale(), 3))
        self.save(self.progress.draw + 1)

    def stop(self, *_):
        """Ends the run after this step, with a checkpoint."""
        self.is_stopped = True

    def step(self, batch) -> float:
        scores = self.run_network(batch.tokens.to(self.device), batch.where.to(self.device))
        loss = F.cross_entropy(scores.float(), batch.wanted.to(self.device))
        loss.backward()
        self.optimiser.step(self.scale())
        self.progress.steps += 1
        self.progress.tokens += batch.tokens.numel()
        return loss.item()

    def save(self, next_draw: int):
        """Writes the checkpoint, whole or not at all, and examines the averaged weights."""
        progress = dataclasses.asdict(self.progress) | {"draw": next_draw}
        state = {"optimiser": self.optimiser.state(), "progress": progress, "config": CONFIG}
        scratch = self.checkpoint.with_suffix(".part")
        torch.save(state, scratch)
        scratch.replace(self.checkpoint)
        if self.examination:
            with self.optimiser.averaged():
                marks = self.examination.run(self.network, self.device)
            self.log(marks=marks)

    def log(self, **facts):
        line = dataclasses.asdict(self.progress) | facts
        line["cpu_seconds"] = round(line["cpu_seconds"], 1)
        with self.log_file.open("a") as file:
            file.write(json.dumps(line) + "\n")
        shown = percent(facts["marks"]) if "marks" in facts else f"loss {facts['loss']:.3f}"
        rate = self.progress.tokens / max(self.progress.cpu_seconds, 1e-9)
        print(
            f"{self.progress.tokens / 1e6:.2f} M tokens, {line['cpu_seconds']} s, {rate:.0f} tokens/s: {shown}",
            flush=True,
        )


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Prints dialogues as the model reads them; what it writes itself is marked.

show_dialogues.py [COUNT] [--seed 1] [--practice 1.0] [--held-back]
"""

import argparse
import random

from dialogues.mixture import draw_dialogue
from dialogues.rendering import pieces

MARKED = "\033[1;32m{}\033[0m"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int, nargs="?", default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--practice", type=float, default=1.0, help="how much of the copying practice is over, from 0 to 1"
    )
    parser.add_argument("--held-back", action="store_true", help="with the wordings of the evaluation")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    for _ in range(arguments.count):
        dialogue = draw_dialogue(rng, arguments.practice, arguments.held_back)
        print(f"--- {', '.join(dialogue.categories.values())}")
        print("".join(text if answer is None else MARKED.format(text) for text, answer in pieces(dialogue)))


if __name__ == "__main__":
    main()

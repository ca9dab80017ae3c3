#!/usr/bin/env python3
"""Checks that the committed tiny models are what `make_tiny_glm.py` makes.

    pip install numpy tokenizers gguf
    check.py [FOLDER]

FOLDER is ../../crates/engine/tests/models unless given.
"""

import hashlib
import pathlib
import sys
import tempfile

from make_tiny_glm import make


def main() -> int:
    here = pathlib.Path(__file__).resolve().parent
    committed = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "../../crates/engine/tests/models"
    different = 0
    with tempfile.TemporaryDirectory() as scratch:
        for made in make(pathlib.Path(scratch)):
            fresh, kept = (hashlib.sha256(p.read_bytes()).hexdigest() for p in (made, committed / made.name))
            print("same" if fresh == kept else "DIFFERENT", made.name, fresh)
            different += fresh != kept
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

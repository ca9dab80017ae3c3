"""Synthetic dialogues for the demo model.

Everything is made here from lists of words, facts and wordings; nothing is downloaded. The same seed gives the same
dialogues. Wordings marked as held back never occur in training, only in the evaluation.

`mixture.draw` makes one dialogue, `rendering.pieces` turns it into the text that the model reads and writes.
"""

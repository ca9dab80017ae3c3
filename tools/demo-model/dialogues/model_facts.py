"""What the model says of itself."""

NAME = "Azimuth's demo model"
# Rounded; `train.py` refuses to train a network that is not of this size.
SIZE = "5 million"
SIZE_ZH = "500 万"

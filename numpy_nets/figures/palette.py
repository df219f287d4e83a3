"""The colours that the parts of a GAN have in every picture."""

DATA = "black"
GENERATOR = "tab:green"
DISCRIMINATOR = "tab:blue"
BEST_DISCRIMINATOR = "0.65"  # a light grey

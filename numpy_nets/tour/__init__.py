"""The guided tour: backprop in one file, then a notebook through the models."""

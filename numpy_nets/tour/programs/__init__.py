"""Whole programs without a tape, their gradients written by hand, for `detective`."""

"""Measures of what a trained model has learned."""

"""Speed and convergence, side by side with Keras: `python -m benchmarks --help`."""

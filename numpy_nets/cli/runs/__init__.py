"""A training run on disk: its data, its folder, its progress, and its model read back."""

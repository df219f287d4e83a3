"""The sub-commands of `numpy-nets`, a file each."""

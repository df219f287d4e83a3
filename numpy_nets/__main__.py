"""python -m numpy_nets: the command line."""

import sys

from numpy_nets.cli import main

if __name__ == "__main__":
    sys.exit(main())

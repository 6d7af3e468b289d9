"""`python -m zoapets`."""

import sys

from zoapets.cli import main

if __name__ == "__main__":
    sys.exit(main())

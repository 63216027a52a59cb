"""`python -m dialguard` is the `dialguard` command."""

import sys

from dialguard.cli.main import main

if __name__ == "__main__":
    sys.exit(main())

"""``python -m actlab`` is the same as the ``actlab`` command."""

import sys

from actlab.cli import main

if __name__ == "__main__":
    sys.exit(main())

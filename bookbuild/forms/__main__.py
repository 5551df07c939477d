"""Write the built book as one PDF, one EPUB or one zip: `python -m bookbuild.forms --help`."""

import sys

from bookbuild.forms.cli import main

if __name__ == "__main__":
    sys.exit(main())

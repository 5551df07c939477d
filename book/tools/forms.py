"""Write the built book as one PDF, one EPUB or one zip: `python book/tools/forms.py --help`."""

import sys

from bookforms.cli import main

if __name__ == "__main__":
    sys.exit(main())

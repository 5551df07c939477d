"""Other forms of the built book: a PDF, an EPUB, a zip for offline reading.

All three start from the HTML in ``_build/html``, so what they show is what the pages show.
"""

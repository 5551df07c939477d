"""Turns what authors write into pages: generated text, figures, live cells, PDF, EPUB and zip."""

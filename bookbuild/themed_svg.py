"""Give an SVG that matplotlib wrote the colours of both themes."""

from __future__ import annotations

import re
from collections.abc import Mapping

THEMED = "<!-- colours follow the theme -->"


def follow_theme(svg: str, palette: Mapping[str, tuple[str, str]]) -> str:
    """Add the dark counterpart to every palette colour in the style attributes of an SVG.

    Args:
        svg: the file's text, as matplotlib writes it.
        palette: name -> (colour on a light page, colour on a dark page), both ``#rrggbb``.

    Returns:
        The text with ``stroke: #0b63b5`` turned into ``stroke: #0b63b5; stroke:
        light-dark(#0b63b5, #6db3f2)``. A browser without ``light-dark()`` keeps the first.
        A text that has been treated is returned as it is.
    """
    if THEMED in svg:
        return svg
    dark = {light.lower(): night for light, night in palette.values()}

    def both(match: re.Match[str]) -> str:
        name, colour = match["property"], match["colour"].lower()
        if colour not in dark:
            return match[0]
        return f"{name}: {colour}; {name}: light-dark({colour}, {dark[colour]})"

    svg = re.sub(
        r"\b(?P<property>fill|stroke|stop-color):\s*(?P<colour>#[0-9a-fA-F]{6})\b", both, svg
    )
    return re.sub(
        r"<svg\b([^>]*)>",
        rf'<svg\1 style="color-scheme: light dark">{THEMED}',
        svg,
        count=1,
    )

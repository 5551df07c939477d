"""The package behind the course *Activation Functions, Measured*.

Importing :mod:`actlab` or :mod:`actlab.functions` loads NumPy and nothing heavier,
so both run in a browser.
"""

__version__ = "1.0.0"

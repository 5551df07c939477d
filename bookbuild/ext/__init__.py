"""The book's own Sphinx extensions, one a module; _config.yml loads them."""

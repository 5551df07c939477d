"""What a chapter must be: rules that one command (``actlab check``) and the tests hold alike."""

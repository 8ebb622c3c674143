"""Why nothing was imported."""


class CannotImport(Exception):
    """An import is refused; the text is for the person who runs the command."""

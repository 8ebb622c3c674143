"""Why nothing was exported or imported."""


class CannotMove(Exception):
    """An export or an import is refused; the text is for the person who runs the command."""

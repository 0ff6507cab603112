"""Texts of students in messages, logs and pages: cut, and on one line."""


def shorten(text: str, length: int, ending: str = "…") -> str:
    """Cut a text that a student can make as long as they like.

    Args:
        text: Any text.
        length: How many characters stay.
        ending: Stands for what is cut, behind those characters.
    """
    return text if len(text) <= length else text[:length] + ending


def quote(value: object, length: int = 70) -> str:
    """Show what a student wrote in a log line and in markdown: short, on one line, and as code."""
    shown = ascii(value).replace("`", "'")
    if isinstance(value, str) and value:
        shown = shown[1:-1]
    return f"`{shown if len(shown) <= length else shorten(shown, length - 1)}`"

"""Errors that more than one room raises or catches."""


class UngradableError(Exception):
    """A submission that cannot be graded, with the reason."""


class HeldForReview(UngradableError):  # noqa: N818 (it is no error of the program)
    """A submission that a person has to look at before it gets a score."""


class Refusal(Exception):  # noqa: N818 (it is no error of the program)
    """The run cannot start or go on; the message is for the person at the terminal."""

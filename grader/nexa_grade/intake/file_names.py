"""Names of files as browsers, operating systems and people leave them.

A notebook comes back as ``ps1 (1).ipynb``, ``Copy of ps1.ipynb``, ``ps1.ipynb.txt`` or
``PS1.IPYNB``. Here such names are recognized, and the released notebook that is meant is found.
"""

import re
import unicodedata
from collections.abc import Iterable
from enum import IntEnum

# What an operating system or Jupyter puts beside files; nobody handed it in.
JUNK = re.compile(
    r"(?:.*/)?(?:__MACOSX/.*|\.ipynb_checkpoints/.*|\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)",
    re.IGNORECASE,
)
# What is added to an ending: by a browser, an editor, or a second download.
ADDED = r"(?:\.(?:txt|text|json|download|crdownload|part|partial|tmp|bak|ipynb)|[ _]?\(\d{1,3}\))"
NOTEBOOK = re.compile(rf"(?P<stem>.+?)\.ipynb{ADDED}*", re.IGNORECASE | re.DOTALL)
COPY = r"(?:copy|kopie|copie|copia|cópia)"
COPY_PREFIX = re.compile(rf"{COPY}[ _](?:of|von|de|di)[ _]", re.IGNORECASE)
COPY_SUFFIX = re.compile(rf"(?:[ _-]*\(\d{{1,3}}\)|[ _-]+{COPY}[ _-]?\d{{0,3}})$", re.IGNORECASE)


class Likeness(IntEnum):
    """How well a file's name fits a released notebook's."""

    NONE = 0
    PART = 1  # the name stands in it: mytinywork
    WORD = 2  # as a word of its own: tiny_final
    COPY = 3  # as a copy of it: tiny (1), Copy of tiny
    SAME = 4


def is_junk(name: str) -> bool:
    """Tell a path that an operating system or Jupyter made, not the student."""
    return JUNK.fullmatch(name) is not None


def stem_of(name: str) -> str | None:
    """Give a notebook's file name without its ending, however that was changed; None for others."""
    found = NOTEBOOK.fullmatch(name)
    return found["stem"] if found else None


def composed(text: str) -> str:
    """Write letters with accents as one character each: a Mac takes them apart in file names."""
    return unicodedata.normalize("NFC", text)


def plain(stem: str) -> str:
    """Make names comparable: one case, and one sign for spaces, dashes and underscores."""
    return re.sub(r"[\s_-]+", "_", composed(stem).casefold()).strip("_")


def without_copy_marks(stem: str) -> str:
    """Take off what marks a copy: ``Copy of``, ``(1)``, ``- Copy``, ``-Copy1``."""
    while True:
        shorter = COPY_SUFFIX.sub("", COPY_PREFIX.sub("", stem.strip(), count=1)).strip()
        if shorter == stem or not shorter:
            return stem
        stem = shorter


def likeness(stem: str, released: str) -> Likeness:
    """Tell how well a file's name fits a released notebook's; both without ending."""
    name = plain(released)
    # "Problem 2" is problem2, and "problem_2" is, too.
    pattern = re.sub(r"_|(?<=[^\W\d_])(?=\d)", "_?", re.escape(name))
    if composed(stem) == composed(released):
        return Likeness.SAME
    if re.fullmatch(pattern, plain(without_copy_marks(stem))):
        return Likeness.COPY
    if re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", plain(stem)):
        return Likeness.WORD
    return Likeness.PART if name in plain(stem) else Likeness.NONE


def notebook_meant(stem: str, released: Iterable[str]) -> tuple[str, Likeness]:
    """Find the released notebook that a file's name means.

    Returns:
        Its name and how well it fits; "" and ``NONE`` where none does. Of equally good ones, the
        longest name: ``problem10`` is not ``problem1``.
    """
    found = max(
        ((likeness(stem, name), len(name), name) for name in released),
        default=(Likeness.NONE, 0, ""),
    )
    return (found[2], found[0]) if found[0] else ("", Likeness.NONE)

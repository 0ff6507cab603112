"""The badge that opens the students' notebook in Colab, where its address is known.

The address stands in one place, ``colab`` in pyproject.toml's ``[tool.nexacode]``. A link that
leads nowhere helps nobody: without an address there is no badge.
"""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLAB = "https://colab.research.google.com"
ADDRESS = re.compile(r"[\w.-]+/[\w.-]+/blob/[\w./-]+\.ipynb")
PLACE = re.compile(r"(<!-- colab badge: begin -->\n).*?(<!-- colab badge: end -->)", re.DOTALL)


def write_badge(readme: str, address: str) -> str:
    """Put the badge for an address into the text of a README.

    Args:
        readme: The text; it has a line ``<!-- colab badge: begin -->`` and one with ``end``.
        address: ``owner/repository/blob/branch/path.ipynb`` on GitHub; "" for no badge.

    Returns:
        The new text.

    Raises:
        ValueError: The address has another form, or the text has no place for the badge.
    """
    if address and not ADDRESS.fullmatch(address):
        raise ValueError(
            f"colab: expected owner/repository/blob/branch/path.ipynb, got {address!r}"
        )
    if not PLACE.search(readme):
        raise ValueError("README.md: expected a line <!-- colab badge: begin -->, found none")
    image = f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]"
    badge = f"{image}({COLAB}/github/{address})\n" if address else ""
    return PLACE.sub(lambda match: match[1] + badge + match[2], readme)


def refresh_badge(root: Path = ROOT) -> None:
    """Write the badge of the address in pyproject.toml into README.md."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())
    readme = root / "README.md"
    readme.write_text(write_badge(readme.read_text(), settings["tool"]["nexacode"]["colab"]))

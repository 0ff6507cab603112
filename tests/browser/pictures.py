"""Screenshots: small enough for a guide, the same size every time."""

from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parent.parent.parent / "build" / "browser"
SIZE = {"width": 1280, "height": 800}
MAX_BYTES = 250_000


def take(page: Page, name: str) -> Path:
    """Save what the window shows, with a palette of 256 colors, and fewer if it is too large."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    with Image.open(path) as picture:
        full = picture.convert("RGB")
    for colors in (256, 128, 64, 32):
        full.quantize(colors, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < MAX_BYTES:
            return path
    raise AssertionError(f"{path.name}: {path.stat().st_size} bytes are too many")

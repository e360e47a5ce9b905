"""Thumbnails as Mailpit makes them: JPEG, 180 by 120 pixels, cropped, or padded with white.

Pillow is loaded for the first one. Only formats whose decoders are common are tried, and no picture is decoded that
would need much memory.
"""

from __future__ import annotations

import io
import warnings
from contextlib import suppress

WIDTH, HEIGHT = 180, 120
QUALITY = 70
MOST_PIXELS = 20_000_000
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_WHITE = (255, 255, 255)


def thumbnail(octets: bytes) -> bytes:
    """Return a thumbnail of an image; a white one if it can't be read. Call it in a thread."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - 10 MB that most never need

    page = Image.new("RGB", (WIDTH, HEIGHT), _WHITE)
    # A decoder may raise any exception for a damaged file.
    with suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(octets), formats=_FORMATS) as image:
            if image.width * image.height <= MOST_PIXELS:
                image.draft("RGB", (WIDTH, HEIGHT))
                shown = ImageOps.exif_transpose(image).convert("RGBA")
                if shown.width >= WIDTH and shown.height >= HEIGHT:
                    shown = ImageOps.fit(shown, (WIDTH, HEIGHT))
                else:
                    shown.thumbnail((WIDTH, HEIGHT))
                corner = (WIDTH - shown.width) // 2, (HEIGHT - shown.height) // 2
                page.paste(shown, corner, shown)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from postroad_web.mailpit.thumbnail import thumbnail


def picture(width: int, height: int, colour: tuple[int, ...], kind: str = "PNG", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.new(mode, (width, height), colour).save(out, kind)
    return out.getvalue()


def shown(octets: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(thumbnail(octets)))
    assert (image.format, image.size) == ("JPEG", (180, 120))
    return image.convert("RGB")


def near(pixel: object, colour: tuple[int, int, int]) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(level - other) < 12 for level, other in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_large_picture_is_cropped(kind: str) -> None:
    image = shown(picture(400, 900, (200, 30, 40), kind))
    assert near(image.getpixel((0, 0)), (200, 30, 40))
    assert near(image.getpixel((179, 119)), (200, 30, 40))


def test_a_small_one_gets_a_white_margin() -> None:
    image = shown(picture(60, 60, (0, 0, 255)))
    assert near(image.getpixel((90, 60)), (0, 0, 255))
    assert near(image.getpixel((5, 60)), (255, 255, 255))


def test_what_is_transparent_is_white() -> None:
    assert near(shown(picture(200, 200, (0, 0, 0, 0), mode="RGBA")).getpixel((90, 60)), (255, 255, 255))


def bomb() -> bytes:
    """Return a PNG that says it has 900 million pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("octets", [b"", b"GIF89a", b"no picture", bomb(), picture(300, 300, (1, 2, 3))[:80]])
def test_what_cannot_be_shown_is_white(octets: bytes) -> None:
    assert near(shown(octets).getpixel((90, 60)), (255, 255, 255))

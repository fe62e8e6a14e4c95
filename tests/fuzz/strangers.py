"""Files that are no picture of our list: other formats, files of two kinds, and what is no file at all."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zipfile
from collections.abc import Callable
from typing import Final

from PIL import features

from tests.embedder.pictures import encode, image
from tests.fuzz import bmps, gifs, jpegs, pngs, webps
from tests.fuzz.case import Case, either, refused

POSTSCRIPT: Final = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 80 60\n%%EndComments\n(it ran) print\nshowpage\n%%EOF\n"
)
"""What an interpreter would run, if one were asked."""

OTHERS: Final = (
    "TIFF",
    "ICO",
    "ICNS",
    "JPEG2000",
    "PPM",
    "TGA",
    "PCX",
    "SGI",
    "MSP",
    "SPIDER",
    "XBM",
    "PDF",
    "EPS",
    "DIB",
    "DDS",
    "BLP",
    "QOI",
    "AVIF",
)
"""Formats that Pillow writes and we do not read."""
_MODES: Final = {"MSP": "1", "XBM": "1", "SPIDER": "F", "BLP": "P"}
_LIBRARIES: Final = {"AVIF": "avif", "JPEG2000": "jpg_2000"}
"""What Pillow may have been built without."""


def other(file_format: str) -> Callable[[], bytes]:
    return lambda: encode(image(64, 64, mode=_MODES.get(file_format, "RGB")), file_format)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("photo.jpg"), jpegs.good())
    return file.getvalue()


def box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + kind + data


def brand(name: str) -> Callable[[], bytes]:
    """The beginning of a file of ISO boxes."""
    word = name.encode()
    return lambda: box(b"ftyp", word + bytes(4) + word + b"mif1") + box(b"meta", bytes(400))


def _noise() -> bytes:
    return random.Random(0).randbytes(16 * 2**20)


def _tiff_of_zip() -> bytes:
    return b"II*\0" + struct.pack("<I", 8) + b"\xff\xff" + zipped()


CASES: Final[dict[str, Case]] = {
    "empty": refused(lambda: b""),
    "one byte": refused(lambda: b"\xff"),
    "one zero": refused(lambda: b"\0"),
    "16 MiB of zeros": refused(lambda: bytes(16 * 2**20)),
    "16 MiB of noise": refused(_noise),
    "more than 16 MiB": refused(lambda: jpegs.good() + bytes(16 * 2**20)),
    "16 MiB of 0xFF": refused(lambda: b"\xff" * 16 * 2**20),
    "text": refused(lambda: b"A picture is worth a thousand words.\n" * 100),
    "text that names formats": refused(lambda: b"JFIF PNG GIF89a RIFF WEBP BM Exif IHDR " * 100),
    "HTML": refused(lambda: b"<!doctype html><img src=photo.jpg>" + b" " * 500),
    "ELF": refused(lambda: b"\x7fELF\2\1\1" + bytes(500)),
    "gzip of a photo": refused(lambda: gzip.compress(jpegs.good(), mtime=0)),
    "zip of a photo": refused(zipped),
    "SVG": refused(lambda: b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='80' height='60'/>"),
    "SVG of a million laughs": refused(
        lambda: b"<!DOCTYPE svg [<!ENTITY a 'ha'>" + b"<!ENTITY b '&a;&a;'>" * 99 + b"]><svg>&b;</svg>"
    ),
    "PSD": refused(lambda: b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 60, 80, 8, 3) + bytes(20_000)),
    "PostScript": refused(lambda: POSTSCRIPT),
    "PostScript of DOS": refused(lambda: struct.pack("<6IH", 0xC6D3D0C5, 30, len(POSTSCRIPT), 0, 0, 0, 0) + POSTSCRIPT),
    "Windows metafile": refused(lambda: b"\xd7\xcd\xc6\x9a" + bytes(200)),
    "Flash": refused(lambda: b"FWS\x0a" + bytes(200)),
    "WebM": refused(lambda: b"\x1a\x45\xdf\xa3" + bytes(200)),
    "JPEG XL": refused(lambda: b"\xff\x0a" + bytes(200)),
    "JPEG XL in a box": refused(lambda: box(b"JXL ", b"\r\n\x87\n") + bytes(200)),
    **{f"brand {name}": refused(brand(name)) for name in ("avif", "heic", "mp42", "jp2 ")},
    **{f"format {name}": refused(other(name)) for name in OTHERS if features.check(_LIBRARIES.get(name, "pil"))},
    "TIFF of 65,535 entries": refused(_tiff_of_zip),
    "photo and zip": either(lambda: jpegs.good() + zipped()),
    "photo and PostScript": either(lambda: jpegs.good() + POSTSCRIPT),
    "PostScript and photo": refused(lambda: POSTSCRIPT + jpegs.good()),
    "PDF and photo": refused(lambda: b"%PDF-1.7\n" + jpegs.good()),
    "line feed and photo": refused(lambda: b"\n" + jpegs.good()),
    "byte order mark and photo": refused(lambda: b"\xef\xbb\xbf" + pngs.good()),
    "PNG sent as text": refused(lambda: pngs.good().replace(b"\r\n", b"\n")),
    "photo in base64": refused(lambda: b"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"),
    "JPEG inside of PNG": refused(lambda: pngs.png(pngs.header(80, 60), pngs.chunk(b"IDAT", jpegs.good()))),
    "JPEG inside of WebP": refused(lambda: webps.webp(webps.chunk(b"VP8 ", jpegs.good()))),
    "PNG behind a JPEG signature": refused(lambda: b"\xff\xd8\xff" + pngs.good()),
    "JPEG behind a PNG signature": refused(lambda: pngs.SIGNATURE + jpegs.good()),
    "GIF behind a BMP signature": refused(lambda: b"BM" + gifs.good()),
    "BMP inside of a GIF comment": either(
        lambda: gifs.screen(80, 60) + b"!\xfe" + gifs.blocks(bmps.good()) + gifs.frame(80, 60) + gifs.END
    ),
    "GIF that is a script": refused(lambda: b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)"),
}

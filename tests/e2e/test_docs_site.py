"""`make docs`: the site is built without problems, and works in Chromium without a network."""

import importlib.util
import json
import os
import re
import sys
from pathlib import Path

import pytest
from e2e.chromium import Chromium

from scripts.build_docs_site import build, pages

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = (".venv-docs/bin/python", ".venv-docs/Scripts/python.exe")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Returns the folder of the site, built without a network."""
    if importlib.util.find_spec("zensical"):
        python = sys.executable
    else:
        installed = [str(ROOT / name) for name in PYTHONS if (ROOT / name).exists()]
        python = installed[0] if installed else pytest.skip("needs Zensical: make docs installs it")
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
            patch.setitem(os.environ, name, "http://127.0.0.1:9")
        assert build(folder / "site", folder / "work", python) == []
    return folder / "site"


def test_the_site_contains_every_page_in_its_language(site):
    for page in pages():
        text = (site / page.html).read_text(encoding="utf-8")
        (language,) = re.findall(r'<html lang="(\w+)"', text)
        assert language == page.language


def test_code_can_be_copied_and_the_mode_be_changed(site):
    text = (site / "train.html").read_text(encoding="utf-8")
    (config,) = re.findall(r'id="__config" type="application/json">(.*?)</script>', text)
    assert "content.code.copy" in json.loads(config)["features"]
    assert set(re.findall(r'data-md-color-scheme="(\w+)"', text)) >= {"default", "slate"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Returns Chromium, which finds no host."""
    with Chromium(
        tmp_path_factory.mktemp("chromium"), "--host-resolver-rules=MAP * ~NOTFOUND"
    ) as it:
        yield it


def set_width(browser, width):
    """Sets the width of the screen in px; narrow ones are those of phones."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.tell("Emulation.setDeviceMetricsOverride", **size)


# The links below the search field, which is in a shadow tree.
RESULTS = """[...document.querySelectorAll('body > div')].filter(e => e.shadowRoot)
    .flatMap(e => [...e.shadowRoot.querySelectorAll('a')].map(a => a.getAttribute('href')))"""


@pytest.mark.parametrize(
    ("page", "word", "expected"),
    [
        ("index.html", "gradient clipping", "train.html"),
        ("zh/data.html", "断点续训", "train.html"),
    ],
)
def test_the_search_works_in_pages_opened_as_files(site, browser, page, word, expected):
    set_width(browser, 1280)
    browser.open((site / page).as_uri())
    browser.wait("document.querySelector('.md-search__button') !== null")
    browser.run("document.querySelector('.md-search__button').click()")
    browser.wait(
        "[...document.querySelectorAll('body > div')].some(e => Boolean(e.shadowRoot?.activeElement))"
    )
    browser.tell("Input.insertText", text=word)
    browser.wait(f"{RESULTS}.length > 0")
    found = browser.run(RESULTS)
    assert any(expected in link for link in found), found


@pytest.mark.parametrize("width", [1280, 390])
def test_no_page_is_wider_than_the_screen(site, browser, width):
    set_width(browser, width)
    for page in pages():
        browser.open((site / page.html).as_uri())
        assert browser.run("document.documentElement.scrollWidth") <= width, page.html

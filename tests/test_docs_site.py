"""The documentation site: links, navigation, and what its pages load; tests/e2e builds it."""

from pathlib import Path

import pytest

from scripts import build_docs_site
from scripts.build_docs_site import (
    Page,
    headings,
    navigation,
    pages,
    problems,
    slug,
    stage,
    with_whole_flags,
)

ROOT = Path(__file__).resolve().parents[1]
FIXED = ("README", "README_zh", "notebooks/README", "notebooks/README_zh", "CONTRIBUTING")
LANGUAGES = ("en", "zh")


@pytest.fixture
def repository(tmp_path):
    """Returns a folder with the pages that every site has, all of them empty, and one in docs/."""
    for name in (*FIXED, "CHANGELOG", "benchmarks/README", "output/README", "docs/data"):
        path = tmp_path / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text("", encoding="utf-8")
    (tmp_path / "docs/data_zh.md").write_text("", encoding="utf-8")
    (tmp_path / "LICENSE").write_text("text", encoding="utf-8")
    (tmp_path / "docs/photo.jpg").write_bytes(b"image")
    return tmp_path


def staged_text(repository: Path, source: str, text: str) -> tuple[str, build_docs_site.Staged]:
    """Returns a page with the links of the site, and all pages."""
    (repository / source).write_text(text, encoding="utf-8")
    staged = stage(repository)
    (page,) = (page for page in staged.texts if page.source == source)
    return staged.texts[page], staged


@pytest.mark.parametrize(
    ("source", "link", "expected"),
    [
        ("README.md", "docs/data.md#a-b", "data.md#a-b"),
        ("README.md", "README_zh.md", "zh/index.html"),
        ("README.md", "#install", "#install"),
        ("README.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("README.md", "LICENSE", "files/LICENSE.txt"),
        ("README_zh.md", "LICENSE", "../files/LICENSE.txt"),
        ("README_zh.md", "CONTRIBUTING.md", "../contributing.html"),
        ("docs/data.md", "../README.md", "index.md"),
        ("docs/data.md", "photo.jpg", "files/docs/photo.jpg"),
        ("docs/data_zh.md", "../README_zh.md#安装", "index.md#安装"),
        ("docs/data_zh.md", "data.md#mpii", "../data.html#mpii"),
        ("notebooks/README.md", "../docs/data.md", "data.md"),
    ],
)
def test_links_lead_to_the_same_place_in_the_site(repository, source, link, expected):
    text, staged = staged_text(repository, source, f"[a]({link}) ![b](<{link}>) `[c]({link})`\n")
    assert text == f"[a]({expected}) ![b](<{expected}>) `[c]({link})`\n"
    assert staged.problems == []


def test_links_in_code_stay(repository):
    text = "```text\n[a](nothing.md)\n```\n`[b](nothing.md)`\n"
    assert staged_text(repository, "README.md", text)[0] == text


@pytest.mark.parametrize("link", ["nothing.md", "../outside.md", "docs"])
def test_a_link_to_no_file_of_the_project_is_a_problem(repository, link):
    _, staged = staged_text(repository, "README.md", f"[a]({link})\n")
    (problem,) = staged.problems
    assert problem.startswith(f"README.md: {link}")


def test_all_links_of_the_project_have_a_target():
    assert stage().problems == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_navigation_contains_every_page(language):
    staged = stage()
    titles, targets = [], []
    for section in navigation(staged, language):
        ((title, entries),) = section.items()
        titles.append(title)
        targets += [target for entry in entries for target in entry.values()]
    assert len(titles) == len(set(titles))
    assert len(targets) == len(set(targets))
    expected = {page.name for page in staged.texts if page.language == language}
    assert expected <= set(targets)
    by_html = {page.html: staged.texts[page] for page in staged.texts}
    prefix = "" if language == "en" else "zh/"
    for target in set(targets) - expected:
        if target.startswith("../"):
            assert target.removeprefix("../") in by_html
        else:
            name, _, anchor = target.partition("#")
            assert anchor in map(slug, headings(by_html[prefix + name]))


def test_an_entry_of_the_navigation_without_its_section_is_an_error(monkeypatch):
    entry = ("Nothing", "无", "index.md#No such heading")
    monkeypatch.setattr(build_docs_site, "NAVIGATION", (("A", "甲", (entry,)),))
    with pytest.raises(ValueError, match="No such heading"):
        navigation(stage(), "en")


def test_the_translation_of_a_page_is_linked():
    staged = stage()
    (data,) = (page for page in staged.texts if page.source == "docs/data_zh.md")
    links = build_docs_site.translations(data, staged)
    assert [link["href"] for link in links] == ["../data.html", "data.html"]
    english = Page("CHANGELOG.md", "en", "changelog.md")
    links = build_docs_site.translations(english, staged)
    assert [link["href"] for link in links] == ["changelog.html", "zh/index.html"]


def test_every_page_of_docs_is_a_page_of_the_site():
    sources = {page.source for page in pages()}
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= sources
    assert len({page.html for page in pages()}) == len(pages())


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("a.py --b_c 1", 'a.py <span class="whole">--b_c</span> 1'),
        ("-o k=v", '<span class="whole">-o</span> k=v'),
        ("mpii-256 a - b", "mpii-256 a - b"),
        ("<b>--flag</b>", "<b>--flag</b>"),
    ],
)
def test_flags_in_inline_code_are_not_broken(code, expected):
    assert with_whole_flags(f"<p><code>{code}</code>") == f"<p><code>{expected}</code>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('<a href="zh/b.html#there">', []),
        ('<a href="#here" id="here">', []),
        ('<a href="https://example.com">', []),
        ('<link rel="stylesheet" href="style.css?1">', []),
        ('<a href="zh/c.html">', ["a.html links zh/c.html"]),
        ('<a href="zh/b.html#nowhere">', ["a.html links zh/b.html#nowhere"]),
        ('<a href="#nowhere">', ["a.html links #nowhere"]),
        ('<img src="c.png">', ["a.html links c.png"]),
        ('<script src="https://example.com/a.js">', ["a.html loads https://example.com/a.js"]),
        ('<script src="//example.com/a.js">', ["a.html loads //example.com/a.js"]),
        ('<link rel="stylesheet" href="https://x.y/z">', ["a.html loads https://x.y/z"]),
        ('<link rel="preconnect" href="https://x.y">', ["a.html loads https://x.y"]),
    ],
)
def test_dead_links_and_other_hosts_are_found(tmp_path, body, expected):
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh/b.html").write_text('<p id="there">', encoding="utf-8")
    (tmp_path / "style.css").write_text("", encoding="utf-8")
    (tmp_path / "a.html").write_text(body, encoding="utf-8")
    found = list(problems(tmp_path))
    assert len(found) == len(expected)
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True))

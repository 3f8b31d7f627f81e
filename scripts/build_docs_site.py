"""Builds the documentation site in build/site from README, docs/ and the other pages.

    python scripts/build_docs_site.py

`make docs` installs what it needs (requirements/docs.txt) and runs it. Neither the build nor the pages
use the network: the search, too, works in pages opened as files. The English site is build/site, the
Chinese one build/site/zh. The pages are copied with their links changed to those of the site; a link
that leads nowhere is an error, as is a file from another host.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parents[1]
FILES = "files"  # folder of the site for everything that is linked and is not a page
UNTRANSLATED = {  # page of the repository: page of the site, in English only
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
    "output/README.md": "run_files.md",
}
# Sections, and their entries: title in English and Chinese, page. `page.md#Heading` is a part
# of a page, and in the translation the part at the same position.
NAVIGATION: tuple[tuple[str, str, tuple[tuple[str, str, str], ...]], ...] = (
    (
        "Start",
        "开始",
        (
            ("Overview", "概览", "index.md"),
            ("Installation", "安装", "install.md"),
            ("AI Studio", "AI Studio", "aistudio.md"),
            ("Notebooks", "Notebook", "notebooks.md"),
        ),
    ),
    (
        "Predict",
        "预测",
        (
            ("Images, videos, cameras", "图片、视频、摄像头", "predict.md"),
            ("Python API", "Python 接口", "api.md"),
            ("Browser demo", "浏览器端演示", "predict.md#Browser demo"),
            ("Models", "模型库", "index.md#Models"),
        ),
    ),
    (
        "Train and evaluate",
        "训练与评估",
        (
            ("Your own keypoints", "自定义数据集", "own_data.md"),
            ("Reproduce a paper", "复现论文", "index.md#Reproduce a paper"),
            ("MPII and COCO", "MPII 和 COCO", "data.md"),
            ("Training", "训练", "train.md"),
            ("Evaluation", "评估", "evaluate.md"),
        ),
    ),
    (
        "Deploy",
        "部署",
        (("Export and deployment", "模型导出与部署", "export.md"),),
    ),
    (
        "Reference",
        "参考",
        (
            ("Results", "精度", "results.md"),
            ("Speed", "速度", "speed.md"),
            ("Migration", "从其他项目迁移", "migration.md"),
            ("Troubleshooting", "常见问题与排查", "troubleshooting.md"),
        ),
    ),
    (
        "Project",
        "项目",
        (
            ("Contributing", "参与开发 (English)", "contributing.md"),
            ("Changelog", "更新日志 (English)", "changelog.md"),
            ("Benchmarks", "速度测试 (English)", "benchmarks.md"),
            ("Files of a run", "训练产生的文件 (English)", "run_files.md"),
        ),
    ),
)
DESCRIPTIONS = {
    "en": "Human pose estimation with PaddlePaddle",
    "zh": "基于 PaddlePaddle 的人体姿态估计",
}


@dataclass(frozen=True)
class Page:
    """A page of the site.

    Attributes:
        source: Path of its Markdown file in the repository.
        language: "en" or "zh".
        name: Name of the Markdown file in the folder of its language.
    """

    source: str
    language: str
    name: str

    @property
    def html(self) -> str:
        """Path of the page in the site."""
        folder = "" if self.language == "en" else f"{self.language}/"
        return folder + self.name.removesuffix(".md") + ".html"


@dataclass
class Staged:
    """The pages with the links of the site, and the other files that they link.

    Attributes:
        texts: Markdown of each page.
        files: Path of each linked file in the repository, with its path in the site.
        problems: Links that lead nowhere, each with its page.
    """

    texts: dict[Page, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def pages(root: Path = ROOT) -> list[Page]:
    """Returns the pages of the site.

    Args:
        root: Folder of the repository.
    """
    found = [
        Page("README.md", "en", "index.md"),
        Page("README_zh.md", "zh", "index.md"),
        Page("notebooks/README.md", "en", "notebooks.md"),
        Page("notebooks/README_zh.md", "zh", "notebooks.md"),
        *(Page(source, "en", name) for source, name in UNTRANSLATED.items()),
    ]
    for path in sorted((root / "docs").glob("*.md")):
        language = "zh" if path.stem.endswith("_zh") else "en"
        name = path.stem.removesuffix("_zh") + ".md"
        found.append(Page(f"docs/{path.name}", language, name))
    return found


def stage(root: Path = ROOT) -> Staged:
    """Returns the pages with the links of the site.

    Args:
        root: Folder of the repository.
    """
    by_source = {page.source: page for page in pages(root)}
    staged = Staged()
    for page in by_source.values():
        text = (root / page.source).read_text(encoding="utf-8")
        staged.texts[page] = _with_links_of_the_site(text, page, by_source, root, staged)
    return staged


def _with_links_of_the_site(
    text: str, page: Page, by_source: dict[str, Page], root: Path, staged: Staged
) -> str:
    """Returns the Markdown of a page with other link targets; adds to the files and problems."""

    def target(link: str) -> str:
        path, mark, anchor = link.partition("#")
        if not path or re.match(r"\w+:", link):
            return link
        source = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), path))
        if source in by_source:
            other = by_source[source]
            if other.language == page.language:
                return other.name + mark + anchor
            return _relative(other.html, page) + mark + anchor
        if source.startswith("..") or not (root / source).is_file():
            staged.problems.append(f"{page.source}: {link} is not a file of the project")
            return link
        suffix = "" if Path(source).suffix else ".txt"  # LICENSE: browsers show it
        staged.files[source] = f"{FILES}/{source}{suffix}"
        return _relative(staged.files[source], page) + mark + anchor

    code = r"(^```.*?^```|`[^`\n]*`)"
    parts = re.split(code, text, flags=re.MULTILINE | re.DOTALL)
    for i in range(0, len(parts), 2):
        parts[i] = re.sub(
            r"(\]\(<?|(?:src|href)=\")([^)\s>\"]+)", lambda m: m[1] + target(m[2]), parts[i]
        )
    return "".join(parts)


def _relative(path: str, page: Page) -> str:
    """Returns the path of a file of the site as seen from a page."""
    return posixpath.relpath(path, posixpath.dirname(page.html) or ".")


def slug(heading: str) -> str:
    """Returns the anchor of a heading, as on GitHub.

    Args:
        heading: Text of the heading in Markdown.
    """
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(text: str) -> list[str]:
    """Returns the headings of a page, without the first level.

    Args:
        text: Markdown of the page.
    """
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^##+ (.+)$", prose, flags=re.MULTILINE)


def navigation(staged: Staged, language: str) -> list[dict[str, object]]:
    """Returns the navigation of a language, as in the configuration of Zensical.

    Args:
        staged: Pages of the site.
        language: "en" or "zh".

    Raises:
        KeyError: If an entry names a page that does not exist.
        ValueError: If an entry names a section that does not exist.
    """
    by_name = {(page.language, page.name): page for page in staged.texts}
    chinese = language == "zh"
    sections: list[dict[str, object]] = []
    for english_title, chinese_title, entries in NAVIGATION:
        items: list[dict[str, str]] = []
        for english, translated, target in entries:
            name, _, heading = target.partition("#")
            original = by_name["en", name]
            page = by_name.get((language, name), original)
            address = page.name if page.language == language else f"../{page.html}"
            if heading:
                number = headings(staged.texts[original]).index(heading)
                anchor = slug(headings(staged.texts[page])[number])
                address = f"{page.name.removesuffix('.md')}.html#{anchor}"
            items.append({translated if chinese else english: address})
        sections.append({chinese_title if chinese else english_title: items})
    return sections


def translations(page: Page, staged: Staged) -> list[dict[str, str]]:
    """Returns the name and code of each language, and the link to the page, or to the start page.

    Args:
        page: Page that contains the links.
        staged: Pages of the site.
    """
    links = []
    for language, name in (("en", "English"), ("zh", "简体中文")):
        other = Page("", language, page.name)
        if other.html not in {known.html for known in staged.texts}:
            other = Page("", language, "index.md")
        links.append({"language": language, "name": name, "href": _relative(other.html, page)})
    return links


def configuration(staged: Staged, language: str) -> str:
    """Returns Zensical's configuration of the site of one language, in TOML.

    Args:
        staged: Pages of the site.
        language: "en" or "zh".
    """
    from paddle_pose import __version__

    to_dark, to_light = (
        ("切换到深色模式", "切换到浅色模式")
        if language == "zh"
        else ("Switch to dark mode", "Switch to light mode")
    )
    values: dict[str, dict[str, object]] = {
        "project": {
            "site_name": f"paddle_pose {__version__}",
            "site_description": DESCRIPTIONS[language],
            "docs_dir": language,
            "site_dir": f"site_{language}",
            "use_directory_urls": False,
            "nav": navigation(staged, language),
        },
        "project.theme": {
            "language": language,
            "font": False,  # those of the system: others come from Google
            "custom_dir": "templates",
            "features": [
                "content.code.copy",
                "navigation.sections",
                "navigation.top",
                "search.highlight",
                "toc.follow",
            ],
            "palette": [
                {
                    "media": "(prefers-color-scheme: light)",
                    "scheme": "default",
                    "toggle": {"icon": "lucide/sun", "name": to_dark},
                },
                {
                    "media": "(prefers-color-scheme: dark)",
                    "scheme": "slate",
                    "toggle": {"icon": "lucide/moon", "name": to_light},
                },
            ],
        },
        "project.extra": {
            "generator": False,
            "alternate": True,  # shows docs_templates/partials/alternate.html
            "polyfills": ["iframe-worker.js"],  # Zensical's own comes from another host
        },
        "project.plugins.offline": {"enabled": True},
        "project.plugins.search": {"enabled": True},
        # GitHub's Markdown, and no more: other extensions change texts that were written for it.
        "project.markdown_extensions.tables": {},
        "project.markdown_extensions.attr_list": {},
        "project.markdown_extensions.md_in_html": {},
        "project.markdown_extensions.toc": {
            "permalink": True,
            "slugify": {"object": "pymdownx.slugs.slugify", "kwds": {"case": "lower"}},
        },
        "project.markdown_extensions.pymdownx.superfences": {},
        "project.markdown_extensions.pymdownx.highlight": {"pygments_lang_class": True},
    }
    return "\n".join(
        f"[{table}]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in entries.items())
        for table, entries in values.items()
    )


def _toml(value: object) -> str:
    """Returns a value in TOML, on one line."""
    if isinstance(value, dict):
        entries = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {entries} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


class _Links(HTMLParser):
    """Collects the anchors of a page, its links, and the files that it loads."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.anchors |= {value for key in ("id", "name") if (value := values.get(key))}
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        elif tag == "link" and values.get("rel") not in ("alternate", "canonical", "prev", "next"):
            self.loaded.append(values.get("href") or "")
        elif tag != "a" and values.get("src"):
            self.loaded.append(str(values["src"]))


def _links(path: Path) -> _Links:
    """Returns the links and anchors of an HTML file."""
    found = _Links()
    found.feed(path.read_text(encoding="utf-8"))
    return found


def problems(site: Path) -> Iterator[str]:
    """Yields the links of a site that lead nowhere, and what its pages load from other hosts.

    Args:
        site: Folder of the site.
    """
    found = {
        path: _links(path)
        for path in sorted(site.resolve().rglob("*.html"))
        if path.relative_to(site.resolve()).parts[0] != FILES
    }
    for path, page in found.items():
        here = path.relative_to(site.resolve()).as_posix()
        for address in page.loaded:
            if re.match(r"(\w+:)?//", address):
                yield f"{here} loads {address} from another host"
        for address in (*page.links, *page.loaded):
            if re.match(r"\w+:|//", address):
                continue
            name, _, anchor = unquote(address).partition("#")
            name = name.partition("?")[0]
            target = (path.parent / name).resolve() if name else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                yield f"{here} links {address}, which is no file of the site"
            elif anchor and target in found and anchor not in found[target].anchors:
                yield f"{here} links {address}, but {target.name} has no such anchor"


def with_whole_flags(html: str) -> str:
    """Returns a page whose flags in inline code are not broken after their hyphens.

    Args:
        html: HTML of the page.
    """

    def whole(code: re.Match[str]) -> str:
        words = re.sub(r"(?<![^\s(])--?[\w-]+", r'<span class="whole">\g<0></span>', code[1])
        return f"<code>{words}</code>"

    return re.sub(r"<code>([^<\n]*)</code>", whole, html)


def build(site: Path, work: Path, zensical: str = sys.executable) -> list[str]:
    """Builds the site; returns the problems found in it.

    Args:
        site: Folder of the site; its content is replaced.
        work: Folder for the files that Zensical reads; its content is replaced.
        zensical: Python that has Zensical.

    Raises:
        CalledProcessError: If Zensical fails or warns.
    """
    staged = stage()
    if staged.problems:
        return staged.problems
    for folder in (site, work):
        shutil.rmtree(folder, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copytree(ROOT / "scripts" / "docs_templates", work / "templates")
    for language in ("en", "zh"):
        (work / language).mkdir()
        for page, text in staged.texts.items():
            if page.language == language:
                head = f"---\ntranslations: {json.dumps(translations(page, staged))}\n---\n\n"
                (work / language / page.name).write_text(head + text, encoding="utf-8")
        shutil.copy(work / "templates" / "iframe-worker.js", work / language)
        config = work / f"{language}.toml"
        config.write_text(configuration(staged, language), encoding="utf-8")
        subprocess.run(
            [zensical, "-m", "zensical", "build", "--strict", "--clean", "--config-file", config],
            cwd=work,
            check=True,
        )
        (work / f"site_{language}" / "404.html").unlink()  # for a server with a known address
    shutil.copytree(work / "site_en", site)
    shutil.copytree(work / "site_zh", site / "zh")
    for source, name in staged.files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / source, site / name)
    missing = [page.html for page in staged.texts if not (site / page.html).is_file()]
    for path in site.rglob("*.html"):
        path.write_text(with_whole_flags(path.read_text(encoding="utf-8")), encoding="utf-8")
    return [f"{name} was not built" for name in missing] + list(problems(site))


def main() -> int:
    """Builds the site and prints its problems; returns the exit status."""
    site = ROOT / "build" / "site"
    found = build(site, ROOT / "build" / "docs")
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        print(f"Open {site / 'index.html'}")
    return bool(found)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())

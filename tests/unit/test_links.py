"""What README.md and docs/ point to within the repository is there: files, folders, pictures, headings."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Code is no text: what looks like a link in it leads nowhere.
FENCED = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'][^)]*)?\)")
DEFINED = re.compile(r"^ {0,3}\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE)
IN_HTML = re.compile(r"(?:src|href)=[\"']([^\"']+)[\"']")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
NAMED = re.compile(r"(?:id|name)=[\"']([^\"']+)[\"']")


def targets(page: str) -> Iterator[str]:
    """Every target of a link or a picture that names no host."""
    text = CODE.sub("code", FENCED.sub("", page))
    for pattern in (INLINE, DEFINED, IN_HTML):
        for target in pattern.findall(text):
            if not urlsplit(target).scheme and not target.startswith("//"):
                yield target


def anchors(page: str) -> set[str]:
    """The fragments of a page's headings, as GitHub makes them, and those that its HTML names."""
    text = FENCED.sub("", page)
    found: dict[str, int] = {}
    made = set(NAMED.findall(text))
    for heading in HEADING.findall(text):
        said = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", said.lower()).replace(" ", "-")
        made.add(f"{slug}-{found[slug]}" if slug in found else slug)
        found[slug] = found.get(slug, 0) + 1
    return made


def broken(page: Path, root: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    wrong = []
    for target in targets(text):
        path, _, fragment = unquote(target).partition("#")
        place = (root / path[1:] if path.startswith("/") else page.parent / path) if path else page
        if not place.exists() or not place.resolve().is_relative_to(root.resolve()):
            wrong.append(f"{target}: nothing is there")
        elif fragment and place.suffix == ".md" and fragment not in anchors(place.read_text("utf-8")):
            wrong.append(f"{target}: {place.name} has no such heading")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page, ROOT) == []


def test_there_are_links() -> None:
    found = [target for page in PAGES for target in targets(page.read_text(encoding="utf-8"))]
    assert len(found) > 100
    assert any(target.endswith(".svg") for target in found)
    assert any("#" in target for target in found)


@pytest.mark.parametrize(
    "text",
    [
        "[a](missing.md)",
        "![a](missing.svg)",
        "[a][b]\n\n[b]: missing.md",
        '<img src="missing.svg">',
        "[a](#nothing)",
        "[a](other.md#nothing)",
        '[a](missing.md "title")',
        "[a](../outside.md)",
    ],
)
def test_a_link_to_nothing_is_seen(tmp_path: Path, text: str) -> None:
    (tmp_path / "outside.md").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "other.md").write_text("# Some heading\n")
    (root / "page.md").write_text(text)
    assert len(broken(root / "page.md", root)) == 1


def test_what_is_there_and_what_is_no_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Some `code`, and [more](x)\n\n## Twice\n\n## Twice\n")
    (tmp_path / "page.md").write_text(
        "[a](other.md#some-code-and-more) [b](other.md#twice-1) [c](https://example.com/x.md) `[d](e.md)`\n"
        "```\n[f](g.md)\n```\n[h](.) <a id='here'></a> [i](#here) [j](mailto:somebody)\n"
    )
    assert broken(tmp_path / "page.md", tmp_path) == []

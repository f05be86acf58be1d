"""The written pages (README, docs/*.md) as HTML; a link between them leads to the page of the site."""

import posixpath
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token


def written_pages(root: Path) -> dict[str, Path]:
    """Page of the site -> Markdown file: the README, the changelog and everything in docs."""
    files = [
        root / "README.md",
        root / "CHANGELOG.md",
        root / "CONTRIBUTING.md",
        *sorted((root / "docs").rglob("*.md")),
    ]
    return {page_of_site(file.relative_to(root).as_posix()): file for file in files if file.exists()}


def page_of_site(path: str) -> str:
    """Where the site has a written page of the project."""
    return "pages/" + path.removesuffix(".md").replace("/", "-").lower() + ".html"


def as_html(file: Path, root: Path) -> tuple[str, str]:
    """Title and body. Links to Markdown files become links to their pages, pictures are taken from `pictures/`, links to other files of
    the project become their paths: the site does not hold them."""
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table"])
    tokens = reader.parse(file.read_text(encoding="utf-8"))
    folder = file.parent.relative_to(root).as_posix()
    title = file.stem
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag == "h1":
            title = tokens[number + 1].content
        for child in token.children or []:
            _rewrite(child, folder, root)
    return title, reader.renderer.render(tokens, reader.options, {})


def _rewrite(token: Token, folder: str, root: Path) -> None:
    name = {"link_open": "href", "image": "src"}.get(token.type)
    if name is None:
        return
    target = str(token.attrGet(name) or "")
    if target.startswith(("http:", "https:", "#", "mailto:")):
        return
    path, _, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(folder, path))
    if token.type == "image":
        token.attrSet(name, f"../pictures/{posixpath.basename(path)}")
    elif path.endswith(".md") and (root / path).exists():
        token.attrSet(name, f"../{page_of_site(path)}" + (f"#{anchor}" if anchor else ""))
    else:
        token.attrSet("title", path)
        token.attrSet(name, "#")


def pictures(root: Path) -> list[Path]:
    """Every picture that a written page may show."""
    return sorted(path for path in (root / "docs").rglob("*.png"))

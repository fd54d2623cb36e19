"""What the site needs that the pages do not have: its two references, and links to files beside docs/."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]
#: Where the pages are put that are made, beside what openapi.py has made for one of them.
PAGES = ROOT / "data/pages"
MADE = {
    "http-reference.md": "# HTTP reference\n\nFrom the gateway's own OpenAPI document.\n\n[OAD(openapi.json)]\n",
    "python-reference.md": "# Python reference\n\nWhat `penstock` has by name.\n\n::: penstock\n",
}
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#:\s]+)(#[^)\s]*)?\)")


def on_config(config: MkDocsConfig) -> None:
    """All decisions, by number."""
    decisions = sorted(
        path.relative_to(config.docs_dir).as_posix() for path in Path(config.docs_dir, "adr").glob("*.md")
    )
    config.nav = [*(config.nav or ()), {"Decisions": decisions}]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for name, text in MADE.items():
        (PAGES / name).write_text(text, encoding="utf-8")
        files.append(File(name, str(PAGES), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """A file that is not below docs/ is in the repository only: a link to it is its name, or leads there."""

    def resolved(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.file.src_uri), target))
        if path.startswith("docs/") and not (ROOT / path).is_dir() and (path.endswith(".md") or "/images/" in path):
            return match[0]
        if not (ROOT / path).exists():
            return match[0]  # which fails the build
        return f"[{text}]({config.repo_url}/blob/main/{path}{anchor})" if config.repo_url else f"{text} (`{path}`)"

    return _LINK.sub(resolved, markdown)

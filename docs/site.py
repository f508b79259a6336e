"""Hooks of MkDocs: the site has the pages of the repository, each under its own path, so that links work as they stand."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """All pages, and the files to which their links lead, instead of the files of docs/ alone."""
    theme = [file for file in files if not Path(file.abs_src_path or "").is_relative_to(ROOT / "docs")]
    return Files([*theme, *(File.generated(config, name, abs_src_path=str(ROOT / name)) for name in _names())])


def _names() -> list[str]:
    """Paths from the root of the repository."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("experiments/**/*.md")]
    found, waiting = [], [page.relative_to(ROOT).as_posix() for page in pages]
    while waiting:
        name = waiting.pop()
        if name in found or not (ROOT / name).is_file():
            continue
        found.append(name)
        if name.endswith(".md"):
            targets = re.findall(r"\]\(([^)\s#]+)", (ROOT / name).read_text(encoding="utf-8"))
            paths = [(ROOT / name).parent / target for target in targets if "://" not in target]
            waiting += [path.resolve().relative_to(ROOT).as_posix() for path in paths]
    return found

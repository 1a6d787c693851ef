"""Renders Markdown as GitHub does, with its own parser: `render_markdown.py FOLDER` writes X.html for each X.md."""

import pathlib
import sys

import cmarkgfm

for path in sorted(pathlib.Path(sys.argv[1]).glob("*.md")):
    html = cmarkgfm.github_flavored_markdown_to_html(path.read_text(encoding="utf-8"))
    path.with_suffix(".html").write_text(html, encoding="utf-8")

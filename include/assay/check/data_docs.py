"""Data Docs of the last validation: one page a table, readable without a network.

Great Expectations' own pages fetch their style and scripts from content networks. What they say is plain HTML, so the references
are cut and a small style sheet is put in their place.
"""

from __future__ import annotations

import html
import importlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.check.expectations import Validation

_CUT = re.compile(
    r"<script\b.*?</script>|<link\b[^>]*>|<style\b.*?</style>|<img\b[^>]*>|<title>\s*</title>"
    r"|<nav class=\"navbar.*?</nav>\s*</div>\s*</nav>",
    re.DOTALL,
)
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1c2530; background: #fff; margin: 2rem auto; max-width: 70rem }
h1, h4, h5, h6 { margin: .6rem 0 .2rem }
a { color: #0b5cad }
table { border-collapse: collapse; width: 100%; margin: .4rem 0 1rem }
td, th { border: 1px solid #d5dbe2; padding: .3rem .6rem; text-align: left; vertical-align: top }
ul { padding-left: 1.2rem }
.alert { background: #eef2f6; padding: .4rem .8rem; border-left: 4px solid #5b6b7c; margin: 1rem 0 .4rem }
.badge { background: #e3e9ef; border-radius: 3px; padding: 0 .3rem }
.text-success::before { content: "passed "; color: #1a7f37; font-style: normal }
.text-danger::before { content: "failed "; color: #b42318; font-style: normal }
.card-header, .btn-group, .sticky, .modal, p > a[data-toggle] { display: none }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #12171d }
  td, th { border-color: #3a444f }
  .alert, .badge { background: #1f2830 }
  a { color: #6cb1ff }
}
"""


def write_data_docs(validation: Validation, folder: Path) -> Path:
    """Write the pages of a validation and an index of them; gives the index. Pages of an earlier one are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    for title, result in validation.results.items():
        (folder / f"{title}.html").write_text(_page(result), encoding="utf-8")
    index = folder / "index.html"
    index.write_text(_index(validation.results), encoding="utf-8")
    return index


def _page(result: Any) -> str:
    renderer, view = (importlib.import_module(f"great_expectations.render.{name}") for name in ("renderer", "view"))
    page: str = view.DefaultJinjaPageView().render(renderer.ValidationResultsPageRenderer().render(result))
    page = _CUT.sub("", page)
    return page.replace("<head>", f"<head>\n<style>{_STYLE}</style>", 1).replace(
        "<body>", '<body>\n<p><a href="index.html">All tables</a></p>', 1
    )


def _index(results: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f'<tr><td><a href="{html.escape(title)}.html">{html.escape(title)}</a></td>'
        f"<td>{'passed' if result.success else 'failed'}</td>"
        f"<td>{result.statistics['successful_expectations']} of {result.statistics['evaluated_expectations']}</td></tr>"
        for title, result in results.items()
    )
    head = f'<head><meta charset="utf-8"><title>Data Docs</title><style>{_STYLE}</style></head>'
    about = (
        "What Great Expectations found in the sessions that were judged last. Every failed expectation is a finding of the "
        "rule of that name; <code>assay rules</code> explains it."
    )
    table = f"<table><tr><th>table</th><th>outcome</th><th>expectations met</th></tr>\n{rows}\n</table>"
    return f'<!DOCTYPE html>\n<html lang="en">{head}<body>\n<h1>Data Docs</h1>\n<p>{about}</p>\n{table}\n</body></html>\n'

"""The report as one HTML page that needs no other file and no network."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.backtest.tables import Table

__all__ = ["page"]

_STYLE = """
body { font: 14px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; margin: 2em auto;
       max-width: 1300px; padding: 0 1em; color: #1c2733; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.15em; margin-top: 1.8em; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; display: block; overflow-x: auto; }
th, td { padding: .25em .7em; text-align: left; border-bottom: 1px solid #dde3e8; white-space: nowrap; }
th { font-weight: 600; } img { max-width: 100%; height: auto; } pre { background: #f3f5f7; padding: 1em; }
"""


def page(title: str, notes: Sequence[str], plot: bytes, tables: Sequence[Table], code: str = "") -> str:
    """Return the page: notes, the plot (PNG), tables, and a text as it stands."""
    parts = [
        "<!doctype html>",
        f'<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{escape(note)}</p>" for note in notes),
        f'<img alt="{escape(title)}" src="data:image/png;base64,{base64.b64encode(plot).decode()}">',
    ]
    for table in tables:
        parts.append(f"<h2>{escape(table.title)}</h2><table><thead>{_row(table.columns, 'th')}</thead><tbody>")
        parts += [_row(row, "td") for row in table.rows]
        parts.append("</tbody></table>")
        if table.left:
            parts.append(f"<p>… and {table.left:,} more</p>")
    if code:
        parts.append(f"<pre>{escape(code)}</pre>")
    parts.append("</body></html>")
    return "\n".join(parts) + "\n"


def _row(cells: Sequence[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

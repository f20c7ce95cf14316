"""The dossier as one printed page (PDF, A4): what happened, who answered when, the timeline, and its last digest."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Paragraph, Table, TableStyle

from alerts.evidence.dossier import verdict
from alerts.incident import Exercise
from alerts.text import span

if TYPE_CHECKING:
    from alerts.evidence.dossier import Dossier
    from alerts.evidence.recent import SignedLine
    from alerts.incident import Incident

__all__ = ["as_pdf"]

FONT: Final = "STSong-Light"
"""One of the fonts that every reader of PDF has for Chinese; nothing is embedded."""
MARGIN: Final = 15 * mm
TEXT_CHARACTERS: Final = 160
"""So much of a line's text is printed."""
FOOT: Final = 22 * mm

_TITLE = ParagraphStyle("title", fontName=FONT, fontSize=15, leading=19, wordWrap="CJK")
_PLAIN = ParagraphStyle("plain", fontName=FONT, fontSize=8.5, leading=11.5, wordWrap="CJK")
_SMALL = ParagraphStyle("small", fontName=FONT, fontSize=7, leading=8.8, wordWrap="CJK")
_GRID: Final = TableStyle(
    [
        ("FONT", (0, 0), (-1, -1), FONT, 7.5),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
        ("TOPPADDING", (0, 0), (-1, -1), 1.2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.6),
        ("LEFTPADDING", (0, 0), (-1, -1), 0),
    ]
)


def as_pdf(dossier: Dossier, timezone: str) -> bytes:
    """Return the page. timezone: of its times. Lines that do not fit are counted on it: the JSON has all of them.

    The first and the last lines are printed, those of the middle left out.
    """
    registerFont(UnicodeCIDFont(FONT))
    zone = ZoneInfo(timezone)
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=A4, invariant=True)
    canvas.setTitle(f"Vigil incident {dossier.incident.id}")
    width, top = A4[0] - 2 * MARGIN, A4[1] - MARGIN
    if dossier.incident.exercise is not None:
        _watermark(canvas, dossier.incident.exercise)
    for block in _head(dossier, zone, width):
        top = _draw(canvas, block, width, top)
    _timeline(canvas, dossier.lines, zone, width, top)
    _foot(canvas, dossier, zone, width)
    canvas.showPage()
    canvas.save()
    return stream.getvalue()


def _head(dossier: Dossier, zone: ZoneInfo, width: float) -> list[Paragraph | Table]:
    one = dossier.incident
    title = f"{escape(one.rule_name_zh)} {escape(one.rule_name_en)} – {one.id}"
    facts = [
        ("位置 Where", f"{one.place_zh} / {one.place}"),
        ("设备 Device", f"{one.device}  ({one.rule_id})"),
        ("情况 What", f"{one.what_zh} / {one.what_en}"),
        ("级别 Severity", f"{one.severity}, {one.alarm_class}"),
        ("状态 State", f"{one.state}" + (f", {one.outcome}" if one.outcome else "")),
        *_steps(one, zone),
    ]
    cells = [[Paragraph(escape(name), _SMALL), Paragraph(escape(said), _PLAIN)] for name, said in facts]
    return [Paragraph(title, _TITLE), Table(cells, [26 * mm, width - 26 * mm], style=_GRID)]


def _steps(one: Incident, zone: ZoneInfo) -> list[tuple[str, str]]:
    """Return each step that was taken, when, and how long after it was raised."""
    steps = [
        ("报警 Raised", one.raised_us, ""),
        ("受理 Accepted", one.accepted_us, one.accepted_by),
        ("派出 Dispatched", one.dispatched_us, one.dispatched_to),
        ("到场 Arrived", one.arrived_us, ""),
        ("核实 Verified", one.verified_us, one.outcome or ""),
        ("办结 Ended", one.closed_us, one.closed_by),
        ("评价 Rated", one.closed_us if one.rating else None, f"{one.rating}/5 {one.rated_by}"),
    ]
    said: list[tuple[str, str]] = []
    for name, at_us, who in steps:
        if at_us is not None:
            after = span((at_us - one.raised_us) / 1e6)
            later = f"  (+{after.en})" if at_us > one.raised_us else ""
            said.append((name, f"{_clock(at_us, zone)}{later}  {who}"))
    return said


def _timeline(canvas: Canvas, lines: tuple[SignedLine, ...], zone: ZoneInfo, width: float, top: float) -> None:
    """Draw as many lines as there is room for, from both ends."""
    rows = [_row(one, zone) for one in lines]
    widths = [9 * mm, 27 * mm, 31 * mm, width - 67 * mm]
    room = top - FOOT - MARGIN
    shown = len(rows)
    while True:
        first = (shown + 1) // 2
        last = shown - first
        left_out = len(rows) - shown
        middle = [
            ["", "", "", Paragraph(f"… {left_out} 行未印，见 JSON / {left_out} lines are in the JSON only", _SMALL)]
        ]
        body = [*rows[:first], *(middle if left_out else []), *(rows[len(rows) - last :] if last else [])]
        if not body:
            return
        table = Table(body, widths, style=_GRID)
        if table.wrap(width, room)[1] <= room or shown == 0:
            _draw(canvas, table, width, top)
            return
        shown -= max(1, shown // 20)


def _row(one: SignedLine, zone: ZoneInfo) -> list[Any]:
    line = one.line
    said = line.text_zh or line.detail
    if len(said) > TEXT_CHARACTERS:
        said = f"{said[:TEXT_CHARACTERS]}…"
    who = " ".join(filter(None, [line.who, line.via]))
    words = (str(line.place), _clock(line.time_us, zone), f"{line.what} {line.kind}", f"{who}  {said}".strip())
    return [Paragraph(escape(word), _SMALL) for word in words]


def _foot(canvas: Canvas, dossier: Dossier, zone: ZoneInfo, width: float) -> None:
    wrong = verdict(dossier)
    state = f"链不完整 chain broken: {wrong}" if wrong else "链完整 chain whole"
    said = (
        f"{len(dossier.lines)} 行 lines, {state}<br/>SHA-256 {dossier.head}<br/>"
        f"Vigil 守望, {_clock(dossier.made_us, zone)} {escape(str(zone))}"
    )
    _draw(canvas, Paragraph(said, _SMALL), width, FOOT)


def _draw(canvas: Canvas, block: Paragraph | Table, width: float, top: float) -> float:
    height = block.wrapOn(canvas, width, A4[1])[1]
    block.drawOn(canvas, MARGIN, top - height)
    return float(top - height - 3 * mm)


def _watermark(canvas: Canvas, exercise: Exercise) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 60)
    canvas.setFillColor(colors.Color(0.85, 0.2, 0.2, alpha=0.18))
    canvas.translate(A4[0] / 2, A4[1] / 2)
    canvas.rotate(45)
    canvas.drawCentredString(0, 0, "演练 DRILL" if exercise is Exercise.DRILL else "测试 TEST")
    canvas.restoreState()


def _clock(time_us: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(time_us / 1e6, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")

"""The responder's page as HTML: one answer of a few kilobytes, without scripts, fonts, pictures or further requests.

It is drawn from a `View` alone, so that what a person sees can be told from what was decided.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from alerts.answer import BEST_RATING, Answer
from alerts.incident import IncidentState
from alerts.text import Text, span
from console.markup import Tongue, cut
from console.words import BUTTON, OUTCOME, SAID, SEVERITY, STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from zoneinfo import ZoneInfo

    from alerts.incident import Incident

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "OTHERS_SHOWN",
    "STYLE_HASH",
    "Other",
    "View",
    "document",
    "draw",
    "draw_refusal",
    "draw_test",
]

OTHERS_SHOWN: Final = 5
"""Further incidents on one page, so that it stays within the first flight of packets; the rest are on the next."""
PEOPLE_SHOWN: Final = 8
WHAT_CHARACTERS: Final = 160
PLACE_CHARACTERS: Final = 80
NAME_CHARACTERS: Final = 60

_STYLE: Final = (files("console") / "page.css").read_text(encoding="utf-8")
STYLE_HASH: Final = "'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src {STYLE_HASH}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Other:
    """Another incident of the same message."""

    incident: Incident
    offers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What one person sees.

    path:        of the page, to which its forms go
    incident:    as they may see it
    person:      their name; called: a name of the directory → what texts call that person
    asked:       names of whom else was asked
    others:      further incidents from `first` on, of `others_count`
    said:        what they have just answered, and None where nothing was
    too_late:    … and it was not possible any more
    map_url:     "" for no map
    push_path:   where they can switch on messages of the browser, "" where there are none
    """

    path: str
    incident: Incident
    offers: tuple[Answer, ...]
    person: str
    called: Callable[[str], str]
    tongue: Tongue
    zone: ZoneInfo
    now_us: int
    is_drill: bool
    asked: Sequence[str] = ()
    others: Sequence[Other] = ()
    first: int = 0
    others_count: int = 0
    said: Answer | None = None
    too_late: bool = False
    map_url: str = ""
    phone: str = ""
    push_path: str = ""


def draw(view: View) -> bytes:
    """Return the page."""
    incident, tongue = view.incident, view.tongue
    name = cut(Text(incident.rule_name_en, incident.rule_name_zh), NAME_CHARACTERS)
    place = cut(Text(incident.place, incident.place_zh), PLACE_CHARACTERS)
    head = (
        f'<header class="{incident.severity}"><small>{tongue.say(SEVERITY[incident.severity])}</small>'
        f"<h1>{tongue.say(name)}</h1><p>{tongue.say(place)}</p></header>"
    )
    body = "".join(
        (
            f'<p class="drill" role="note">{tongue.say(_DRILL)}</p>' if view.is_drill else "",
            head,
            "<main>",
            _said(view),
            _state(view),
            _buttons(view.tongue, view.path, incident, view.offers, rows=False),
            _facts(view),
            _others(view),
            "</main>",
            _footer(view),
        )
    )
    title = f"{'[演练 DRILL] ' if view.is_drill else ''}{tongue.plain(name)} · 守望 Vigil"
    return document(tongue, title, body, "is-drill" if view.is_drill else "")


def draw_refusal(tongue: Tongue, told: Text, phone: str, advice: Text | None = None) -> bytes:
    """Return the page of a link that opens nothing: what is the matter, and what to do now."""
    body = (
        f"<header><h1>{tongue.say(told)}</h1></header><main><p>{tongue.say(advice or _PHONE_THE_DESK)}</p>"
        f"{_phone(tongue, phone)}</main>"
    )
    return document(tongue, f"{tongue.plain(told)} · 守望 Vigil", body)


def draw_test(tongue: Tongue, path: str, *, is_answered: bool, phone: str = "") -> bytes:
    """Return the page of a test of the way to a person: one button, and thanks after it."""
    if is_answered:
        inside = f'<p class="said" role="status">✓ {tongue.say(_TEST_ANSWERED)}</p>'
    else:
        inside = (
            f'<p>{tongue.say(_TEST_ASKED)}</p><form method="post" action="{path}">'
            f'<button class="accept" name="answer" value="{Answer.ACCEPT}">{tongue.say(_TEST_BUTTON)}</button></form>'
        )
    body = f"<header><h1>{tongue.say(_TEST)}</h1></header><main>{inside}{_phone(tongue, phone)}</main>"
    return document(tongue, f"{tongue.plain(_TEST)} · 守望 Vigil", body)


def document(tongue: Tongue, title: str, body: str, of: str = "") -> bytes:
    """Return a whole page. title: not escaped; body: HTML; of: class of the body."""
    return (
        f'<!DOCTYPE html><html lang="{tongue.html}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="robots" content="noindex,nofollow"><meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body class="{of}">{body}</body></html>'
    ).encode()


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _said(view: View) -> str:
    if view.too_late:
        return f'<p class="said no" role="status">{view.tongue.say(_TOO_LATE)}</p>'
    if view.said is None:
        return ""
    return f'<p class="said" role="status">✓ {view.tongue.say(SAID[view.said])}</p>'


def _state(view: View) -> str:
    """Say how it stands, and who is on it."""
    incident, tongue = view.incident, view.tongue
    mine = any(one.by == view.person for one in incident.acceptances)
    if not incident.state.is_open:
        look = "over"
    elif mine:
        look = "mine"
    else:
        look = "wait" if incident.state is IncidentState.RAISED else ""
    lines = [f"<b>{tongue.say(STATE[incident.state])}</b>"]
    if incident.outcome is not None:
        lines.append(tongue.say(OUTCOME[incident.outcome]))
    if incident.handed_to:
        lines.append(tongue.say(_HANDED_TO.fill(who=view.called(incident.handed_to))))
    on_it = [f"{view.called(one.by)} {_clock(view, one.time_us)}" for one in incident.acceptances[:PEOPLE_SHOWN]]
    if on_it:
        lines.append(tongue.say(_ON_IT.fill(who="、".join(on_it))))
    if incident.dispatched_to:
        lines.append(tongue.say(_ON_THE_WAY.fill(who=incident.dispatched_to)))
    known = {view.person, *(one.by for one in incident.acceptances)}
    others = [name for name in view.asked if name not in known]
    if others and incident.state.is_open:
        shown = "、".join(view.called(name) for name in others[:PEOPLE_SHOWN])
        more = f" +{len(others) - PEOPLE_SHOWN}" if len(others) > PEOPLE_SHOWN else ""
        lines.append(f'<span class="dim">{tongue.say(_ASKED_AS_WELL.fill(who=shown + more))}</span>')
    said = "".join(f"<div>{line}</div>" for line in lines)
    return f'<div class="state {look}">{said}</div>'


def _buttons(tongue: Tongue, path: str, incident: Incident, answers: Sequence[Answer], *, rows: bool) -> str:
    """Return the form: one button an answer; `seen` tells a second tap on the same page from a new answer."""
    if not answers:
        return ""
    hidden = (
        f'<input type="hidden" name="incident" value="{escape(incident.id)}">'
        f'<input type="hidden" name="seen" value="{incident.revision}">'
    )
    if Answer.RATE in answers:
        stars = "".join(
            f'<button name="answer" value="rate-{stars}" aria-label="{stars} / {BEST_RATING}">{stars}</button>'
            for stars in range(1, BEST_RATING + 1)
        )
        inside = f'<p>{tongue.say(_RATE)}</p><div class="row">{stars}</div>'
    else:
        inside = "".join(
            f'<button class="{answer}" name="answer" value="{answer}">{tongue.say(BUTTON[answer])}</button>'
            for answer in answers
        )
        inside = f'<div class="row">{inside}</div>' if rows else inside
    return f'<form method="post" action="{path}">{hidden}{inside}</form>'


def _facts(view: View) -> str:
    incident, tongue = view.incident, view.tongue
    since = span((view.now_us - incident.since_us) / 1e6) if incident.state.is_open else Text("", "")
    when = _clock(view, incident.since_us, with_date=True)
    ago = tongue.say(_FOR.fill(span=since)) if incident.state.is_open else ""
    facts = [
        (_WHAT, tongue.say(cut(Text(incident.what_en, incident.what_zh), WHAT_CHARACTERS))),
        (_WHEN, f"{escape(when)} {ago}"),
    ]
    if incident.members_count > 1:
        facts.append((_DEVICES, str(incident.members_count)))
    if incident.note:
        note = cut(Text(incident.note, incident.note), WHAT_CHARACTERS)
        facts.append((_NOTE, escape(note.zh)))
    listed = "".join(f"<dt>{tongue.say(word)}</dt><dd>{told}</dd>" for word, told in facts)
    return f"<dl>{listed}</dl>{_map(view)}"


def _map(view: View) -> str:
    incident, tongue = view.incident, view.tongue
    if incident.latitude is None or incident.longitude is None:
        return ""
    at = f"{incident.latitude:.6f},{incident.longitude:.6f}"
    links = f'<a class="go" href="geo:{at}?q={at}">{tongue.say(_NAVIGATE)}</a>'
    if view.map_url:
        url = view.map_url.format(latitude=f"{incident.latitude:.6f}", longitude=f"{incident.longitude:.6f}")
        links += f'<a class="go" rel="noreferrer" href="{escape(url)}">{tongue.say(_MAP)}</a>'
    return f'<div class="row">{links}</div>'


def _others(view: View) -> str:
    if not view.others_count:
        return ""
    tongue = view.tongue
    parts = [f"<h2>{tongue.say(_OTHERS.fill(count=view.others_count))}</h2>"]
    for other in view.others:
        incident = other.incident
        name = cut(Text(incident.rule_name_en, incident.rule_name_zh), NAME_CHARACTERS)
        place = cut(Text(incident.place, incident.place_zh), PLACE_CHARACTERS)
        parts.append(
            f'<section class="other"><a href="{view.path}?incident={escape(incident.id)}">{tongue.say(name)}</a><br>'
            f'{tongue.say(place)}<br><span class="dim">{tongue.say(SEVERITY[incident.severity])} · '
            f"{tongue.say(STATE[incident.state])}</span>"
            f"{_buttons(tongue, view.path, incident, other.offers, rows=True)}</section>"
        )
    after = view.first + len(view.others)
    if after < view.others_count:
        more = _MORE.fill(count=view.others_count - after)
        parts.append(f'<a class="go" href="{view.path}?from={after}">{tongue.say(more)}</a>')
    return "".join(parts)


def _footer(view: View) -> str:
    tongue, incident = view.tongue, view.incident
    push = f'<p><a href="{view.push_path}">{tongue.say(_PUSH)}</a></p>' if view.push_path else ""
    return (
        f'<footer><p><a href="{view.path}?incident={escape(incident.id)}">{tongue.say(_AGAIN)}</a></p>{push}'
        f"<p>{tongue.say(_YOURS.fill(who=view.called(view.person)))}</p>"
        f"{_phone(tongue, view.phone)}"
        f"<p>{escape(incident.id)} · {escape(incident.device)}</p></footer>"
    )


def _phone(tongue: Tongue, phone: str) -> str:
    if not phone:
        return ""
    return f'<a class="go" href="tel:{escape(phone)}">{tongue.say(_DUTY_DESK)} <b>{escape(phone)}</b></a>'


def _clock(view: View, time_us: int, *, with_date: bool = False) -> str:
    at = datetime.fromtimestamp(time_us / 1e6, view.zone)
    today = datetime.fromtimestamp(view.now_us / 1e6, view.zone).date()
    return at.strftime("%m-%d %H:%M" if with_date and at.date() != today else "%H:%M")


# ── words ────────────────────────────────────────────────────────────────────────────────────────────────────────

_TOO_LATE: Final = Text("Not possible any more: see below how it stands.", "已无法操作，请看下方当前状态。")
_DRILL: Final = Text("DRILL: an exercise, no real danger", "演练：这是演习，并非真实警情")
_TEST: Final = Text("Test of contacts", "联系方式测试")
_TEST_ASKED: Final = Text("This is only a test. Tap to show that it reached you.", "这只是一次测试，请点击确认已收到。")
_TEST_BUTTON: Final = Text("I got it", "已收到")
_TEST_ANSWERED: Final = Text("Thank you: this way to you works.", "感谢确认，此联系方式有效。")
_HANDED_TO: Final = Text("Handed over to {who}, who has not answered yet", "已转交 {who}，等待应答")
_ON_IT: Final = Text("On it: {who}", "处理人：{who}")
_ON_THE_WAY: Final = Text("On the way: {who}", "已出动：{who}")
_ASKED_AS_WELL: Final = Text("Also asked: {who}", "同时通知：{who}")
_RATE: Final = Text("How did it go? 5 is best.", "处置情况评分（5 分最好）")
_WHAT: Final = Text("What", "情况")
_WHEN: Final = Text("Since", "时间")
_FOR: Final = Text("for {span}", "已持续 {span}")
_DEVICES: Final = Text("Devices", "涉及设备数")
_NOTE: Final = Text("Note", "备注")
_NAVIGATE: Final = Text("Navigate", "导航")
_MAP: Final = Text("Map", "地图")
_OTHERS: Final = Text("{count} more in this message", "本消息中还有 {count} 起")
_MORE: Final = Text("The next of {count} more", "其余 {count} 起")
_AGAIN: Final = Text("Refresh", "刷新")
_PUSH: Final = Text("Get messages in this browser", "在此浏览器接收消息")
_YOURS: Final = Text(
    "This page is for {who}. Who has the link can answer in your name.", "本页仅供 {who} 使用，请勿转发链接。"
)
_DUTY_DESK: Final = Text("Duty desk", "值班电话")
_PHONE_THE_DESK: Final = Text(
    "If you can help, or need help, phone the duty desk.", "如可前往或需要支援，请拨打值班电话。"
)

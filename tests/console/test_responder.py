from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace as changed

from alerts.command import Accept, Audit, NeedHelp, Resolve, StartDrill, Test, Verify
from alerts.incident import IncidentState, NotificationStatus, Outcome
from alerts.notification import Purpose
from alerts.people.model import Chain, Directory, Route, Step
from console.responder import LOOK_S
from tests.alerts.scene import FLAT, GAS, SMOKE, SOS, T0, TANK, S
from tests.console.scene import LI, WATCH, ZHAO, serving

if TYPE_CHECKING:
    from alerts.incident import Incident
    from tests.console.scene import Console

FIRST_FLIGHT_BYTES = 14_000
"""What a server may send before it hears anything back: ten packets (RFC 6928)."""
ASK_LI = Directory(
    people=(LI, ZHAO),
    chains=(Chain(name="all", steps=(Step(to=("person:li",)), Step(to=("person:zhao",), after_s=600))),),
    routes=(Route(chain="all"),),
)


def buttons(html: str) -> list[str]:
    return re.findall(r'<button[^>]* value="([\w-]+)"', html)


async def tap(console: Console, answer: str, incident: Incident, path: str | None = None) -> str:
    """Tap a button and return the page after it."""
    response = await console.answer(answer, incident, path)
    assert response.status_code == 303
    page = await console.get(response.headers["location"])
    assert page.status_code == 200
    return page.text


# ── the page ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_page_says_what_where_how_long_and_offers_each_answer() -> None:
    async with serving({"duty_phone": "119"}) as console:
        incident = console.desk.raise_(GAS)
        console.desk.advance(95)
        page = (await console.get(console.path(console.desk.asked("li")))).text
        assert incident.place_zh in page
        assert incident.place in page
        assert incident.what_zh in page
        assert "1分35秒" in page
        assert 'class="alarm"' in page
        assert "Zhao" in page  # who else was asked
        assert "geo:22.500000,114.100000" in page
        assert 'href="tel:119"' in page
        assert buttons(page) == ["accept", "arrive", "false_alarm", "need_help", "refuse"]


async def test_the_page_is_one_small_answer_that_nobody_keeps_or_frames() -> None:
    async with serving() as console:
        console.desk.raise_()
        response = await console.get(console.path())
        headers = response.headers
        assert len(response.content) + len(str(headers)) < FIRST_FLIGHT_BYTES
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-robots-tag"] == "noindex, nofollow"
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script" not in policy
        assert not re.search(r"<(script|img|link|iframe)|\bon\w+=|url\(|@import", response.text)
        assert "noindex" in response.text


async def test_a_person_reads_their_own_languages() -> None:
    async with serving() as console:
        console.desk.raise_()
        console.desk.advance(61)
        english = (await console.get(console.path(console.desk.asked("zhao")))).text
        assert '<html lang="en">' in english
        assert "烟雾" not in english
        both = (await console.get(console.path(console.desk.asked("li")))).text
        assert '<html lang="zh-CN">' in both
        assert both.index("接受") < both.index("Accept")


async def test_what_devices_and_people_wrote_is_never_markup() -> None:
    evil = replace(FLAT, name="<b>x", building='"><script>alert(1)</script>')
    async with serving() as console:
        incident = console.desk.raise_(device=evil)
        console.desk.fold(Accept(incident=incident.id, by="<img src=x>", origin="api", note="</dd><script>"))
        page = (await console.get(console.path())).text
        assert "<script" not in page
        assert "<img" not in page
        assert "&lt;script&gt;" in page


async def test_the_longest_texts_and_a_full_group_stay_within_the_first_flight() -> None:
    long = changed(SMOKE, name_zh="烟" * 500, name_en="S" * 500)
    async with serving() as console:
        for unit in range(30):
            console.desk.raise_(long, replace(FLAT, name=f"d{unit}", unit="某" * 500))
        page = await console.get(console.path())
        assert len(page.content) < FIRST_FLIGHT_BYTES


async def test_a_drill_is_marked_on_every_page_of_it() -> None:
    async with serving() as console:
        rejected = console.desk.fold(StartDrill(device=FLAT.key, rule=SMOKE.id, by="zhao", origin="api")).rejected
        assert rejected is None
        page = (await console.get(console.path())).text
        assert 'class="is-drill"' in page
        assert "演练：这是演习" in page
        assert "<title>[演练 DRILL]" in page


# ── answering ────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_tap_accepts_and_the_page_says_so() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        page = await tap(console, "accept", incident)
        assert "已记录：您已接受" in page
        after = console.desk.incident(incident.id)
        assert (after.state, after.accepted_by) == (IncidentState.ACCEPTED, "li")
        assert buttons(page) == ["arrive", "false_alarm", "need_help", "refuse"]
        (command,) = console.desk.commands
        assert isinstance(command, Accept)
        assert command.origin == "link 127.0.0.1"
        assert console.desk.outbox.status(console.desk.asked().id) is NotificationStatus.ANSWERED
        assert console.metric("vigil_console_answers_total", answer="accept", way="link") == 1


async def test_the_whole_way_from_accepting_to_rating() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        seen = []
        for answer in ("accept", "arrive", "true", "resolve", "rate-4"):
            assert answer in buttons((await console.get(path)).text)
            seen.append(await tap(console, answer, incident, path))
        after = console.desk.incident(incident.id)
        assert (after.state, after.outcome, after.rating) == (IncidentState.CLOSED, Outcome.TRUE, 4)
        assert buttons(seen[-1]) == []


async def test_looking_changes_nothing() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        for _ in range(3):
            await console.get(console.path())
            await console.client.head(console.path())
        assert console.desk.commands == []
        assert console.desk.incident(incident.id) == incident


async def test_a_double_tap_and_the_back_button_call_for_help_once() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        both = await asyncio.gather(*(console.answer("need_help", incident) for _ in range(2)))
        again = await console.answer("need_help", incident)
        assert {response.headers["location"] for response in (*both, again)} == {both[0].headers["location"]}
        assert [type(command) for command in console.desk.commands] == [NeedHelp]


async def test_an_answer_that_stands_already_is_not_given_again_after_a_restart() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        await console.answer("accept", incident, path, seen=1)
        await console.answer("accept", incident, path, seen=2)  # another page: nothing of the first tap is remembered
        assert len(console.desk.commands) == 1


async def test_a_late_answer_is_told_how_it_stands() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        console.desk.fold(Verify(incident=incident.id, by="zhao", origin="api", outcome=Outcome.FALSE_ALARM))
        console.desk.fold(Resolve(incident=incident.id, by="zhao", origin="api"))
        page = await tap(console, "arrive", incident, path)
        assert "已无法操作" in page
        assert "已处置" in page
        assert console.metric("vigil_console_refused_total", reason="too_late") == 1


async def test_who_gave_it_back_may_take_it_again() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        await tap(console, "accept", incident, path)
        page = await tap(console, "refuse", incident, path)
        assert console.desk.incident(incident.id).state is IncidentState.RAISED
        assert "accept" in buttons(page)


async def test_another_may_join_whoever_is_on_it() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        console.desk.advance(61)
        li, zhao = console.path(console.desk.asked("li")), console.path(console.desk.asked("zhao"))
        await tap(console, "accept", incident, li)
        page = (await console.get(zhao)).text
        assert "On it: 李娜" in page
        assert "accept" in buttons(page)
        await tap(console, "accept", incident, zhao)
        assert [one.by for one in console.desk.incident(incident.id).acceptances] == ["li", "zhao"]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"answer": "accept"},
        {"answer": "explode", "incident": "$"},
        {"answer": "rate", "incident": "$"},
        {"answer": "rate-9", "incident": "$"},
        {"answer": "accept", "incident": "other"},
    ],
)
async def test_a_form_that_is_none_of_ours_changes_nothing(fields: dict[str, str]) -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        other = console.desk.raise_(TANK)
        names = {"$": incident.id, "other": other.id}
        data = {key: names.get(value, value) for key, value in fields.items()}
        response = await console.client.post(path, data=data)
        assert response.status_code == 400
        assert console.desk.commands == []
        assert console.metric("vigil_console_refused_total", reason="bad_form") == 1


async def test_junk_in_a_form_is_a_bad_form() -> None:
    async with serving() as console:
        console.desk.raise_()
        response = await console.client.post(console.path(), content=b"\xff\xfe&answer=%ff")
        assert response.status_code == 400


async def test_every_button_that_is_offered_is_possible() -> None:
    async with serving(directory=ASK_LI) as console:
        incident = console.desk.raise_()
        path = console.path()
        for answer in ("need_help", "refuse", "accept", "arrive", "false_alarm", "true", "false_alarm", "resolve"):
            page = (await console.get(f"{path}?incident={incident.id}")).text
            assert answer in buttons(page), (answer, console.desk.incident(incident.id).state)
            assert "已无法操作" not in await tap(console, answer, incident, path)
        assert console.metric("vigil_console_refused_total", reason="too_late") == 0


# ── several incidents ────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_others_of_a_group_have_their_own_buttons() -> None:
    async with serving(directory=ASK_LI) as console:
        lead = console.desk.raise_()
        others = [console.desk.raise_(device=replace(FLAT, name=f"flat-{n}", unit=f"{n}")) for n in range(7)]
        path = console.path(next(one for one in console.desk.owed if one.recipient == "li"))
        page = (await console.get(path)).text
        assert "本消息中还有 7 起" in page
        assert len(re.findall('class="other"', page)) == 5
        more = (await console.get(f"{path}?from=5")).text
        assert len(re.findall('class="other"', more)) == 2
        await tap(console, "false_alarm", others[6], path)
        assert console.desk.incident(others[6].id).outcome is Outcome.FALSE_ALARM
        assert console.desk.incident(lead.id).state is IncidentState.RAISED
        focus = (await console.get(f"{path}?incident={others[6].id}")).text
        assert f'name="incident" value="{others[6].id}"' in focus
        assert "误报" in focus


async def test_a_page_number_from_nowhere_shows_the_last() -> None:
    async with serving() as console:
        console.desk.raise_()
        for place in ("99", "-1", "x", "9" * 50):
            assert (await console.get(f"{console.path()}?from={place}")).status_code == 200


# ── elders ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_an_elders_place_is_shown_while_it_is_open_and_every_look_is_noted() -> None:
    async with serving() as console:
        incident = console.desk.raise_(SOS, WATCH)
        path = console.path()
        page = (await console.get(path)).text
        assert incident.place_zh in page
        assert "geo:" in page
        looks = [command for command in console.desk.commands if isinstance(command, Audit)]
        assert [(look.by, look.subject, look.what, look.incident, look.allowed) for look in looks] == [
            ("li", WATCH.key, what, incident.id, True) for what in ("location", "health")
        ]
        await console.get(path)  # a reload
        assert len(console.desk.commands) == 2
        console.steady_s[0] += LOOK_S
        await console.get(path)
        assert len(console.desk.commands) == 4


async def test_an_elders_place_is_gone_with_the_incident_and_the_look_is_noted_as_refused() -> None:
    async with serving() as console:
        incident = console.desk.raise_(SOS, WATCH)
        path = console.path()
        console.desk.fold(Verify(incident=incident.id, by="li", origin="api", outcome=Outcome.TRUE))
        console.desk.fold(Resolve(incident=incident.id, by="li", origin="api"))
        console.desk.commands.clear()
        page = (await console.get(path)).text
        assert "楼栋" not in page
        assert "building" not in page
        assert "geo:" not in page
        assert "22.5" not in page
        assert [command.allowed for command in console.desk.commands if isinstance(command, Audit)] == [False, False]


async def test_an_elder_among_the_others_of_a_message_shows_no_place() -> None:
    async with serving() as console:
        elders = console.desk.raise_(SOS, replace(WATCH, building="77"))
        console.desk.raise_(device=replace(FLAT, building="55"))
        digest = changed(console.desk.asked("li"), id="D" * 20, others=(elders.id,), purpose=Purpose.DIGEST)
        console.desk.outbox.owe([digest])
        page = (await console.get(console.path(digest))).text
        assert elders.id in page
        assert "楼栋55" in page
        assert "77" not in page
        assert console.desk.commands == []
        focus = (await console.get(f"{console.path(digest)}?incident={elders.id}")).text
        assert "楼栋77" in focus
        assert all(isinstance(command, Audit) for command in console.desk.commands)
        assert len(console.desk.commands) == 2


# ── links that open nothing ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_bad_link_says_whom_to_phone_and_guessing_is_slowed_down_for_the_guesser_only() -> None:
    async with serving({"duty_phone": "0755-1234"}) as console:
        console.desk.raise_()
        good = console.path()
        answers = [(await console.get(f"/a/{'0' * 36}{n % 10}")).status_code for n in range(25)]
        assert answers[:20] == [404] * 20
        assert answers[20:] == [429] * 5
        page = await console.get("/a/nothing")
        assert "0755-1234" in page.text
        assert int(page.headers["retry-after"]) > 0
        assert (await console.get(good)).status_code == 200  # of the same address
        assert console.metric("vigil_console_refused_total", reason="bad_link") == 26
        assert console.metric("vigil_console_refused_total", reason="guessing") == 6


async def test_an_expired_link_is_gone() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        console.desk.now_us = T0 + 8 * 86_400 * S
        response = await console.get(path)
        assert response.status_code == 410
        assert "链接已过期" in response.text
        assert (await console.answer("accept", incident, path)).status_code == 410
        assert console.metric("vigil_console_refused_total", reason="expired_link") == 2


async def test_a_link_of_a_message_that_nobody_knows_any_more_is_gone() -> None:
    async with serving() as console:
        path = f"/a/{console.desk.links.token('0' * 20, T0 + 86_400 * S)}"
        response = await console.get(path)
        assert response.status_code == 410
        assert "已办结" in response.text


async def test_who_is_in_the_directory_no_more_answers_nothing() -> None:
    async with serving() as console:
        incident = console.desk.raise_()
        path = console.path()
        console.desk.use(Directory(people=(ZHAO,)))
        assert buttons((await console.get(path)).text) == []
        assert (await console.answer("accept", incident, path)).status_code == 410
        assert console.desk.commands == []


# ── contact tests ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_contact_test_is_answered_with_one_tap() -> None:
    async with serving() as console:
        await console.desk.submit(Test(by="duty", origin="api", people=("li",)))
        path = console.path()
        page = (await console.get(path)).text
        assert "这只是一次测试" in page
        response = await console.client.post(path, data={"answer": "accept"})
        assert response.status_code == 303
        assert "感谢确认" in (await console.get(response.headers["location"])).text
        (report,) = console.desk.contact_tests.reports()
        assert report.people[0].reached
        await console.client.post(path, data={"answer": "accept"})
        assert len(console.desk.commands) == 2  # the test and one answer

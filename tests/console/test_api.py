from __future__ import annotations

import asyncio
import typing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from alerts.command import Accept, Audit, Command, Resolve, Silence, StartDrill, Verify
from alerts.incident import IncidentState, Outcome
from console.openapi import document
from console.orders import ORDERS
from tests.alerts.scene import FLAT, SOS, T0, TANK, S
from tests.console.scene import SECRET, WATCH, serving

if TYPE_CHECKING:
    import httpx

    from tests.console.scene import Console

ALL = ["read", "decide", "silence", "drill", "admin"]
TOKENS = {
    "tokens": [
        {"name": "cad", "secret": SECRET, "may": ALL},
        {"name": "board", "secret": SECRET + "-board"},
        {"name": "town", "secret": SECRET + "-town", "may": ALL, "sites": ["longtian"]},
    ]
}
HOUR = 3600 * S
SUBSCRIPTION = msgspec.json.encode(
    {
        "endpoint": "https://push.example/1",
        "keys": {"p256dh": "B" + "A" * 86, "auth": "A" * 22},
    }
).decode()


async def call(
    console: Console, method: str, path: str, body: Any = None, *, secret: str = SECRET, **headers: str
) -> httpx.Response:
    return await console.client.request(
        method,
        f"/api/v1{path}",
        content=b"" if body is None else msgspec.json.encode(body),
        headers={"authorization": f"Bearer {secret}", **{k.replace("_", "-"): v for k, v in headers.items()}},
    )


# ── every command ────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_command_that_there_is_can_be_given() -> None:
    assert {order.command for order in ORDERS} == set(typing.get_args(Command))


async def test_every_command_is_given_by_the_api_and_reaches_the_fold() -> None:
    async with serving(TOKENS) as console:
        desk = console.desk
        one, two = desk.raise_(), desk.raise_(TANK)
        message = desk.asked("li").id
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("POST", f"/incidents/{one.id}/accept", {"by": "li"}),
            ("POST", f"/incidents/{one.id}/hand-over", {"by": "li", "to": "zhao"}),
            ("POST", f"/incidents/{one.id}/accept", {"by": "zhao"}),
            ("POST", f"/incidents/{one.id}/need-help", {"by": "zhao"}),
            ("POST", f"/incidents/{one.id}/dispatch", {"by": "li", "to": "station 3"}),
            ("POST", f"/incidents/{one.id}/arrive", {"by": "li"}),
            ("POST", f"/incidents/{one.id}/verify", {"by": "li", "outcome": "true"}),
            ("POST", f"/incidents/{one.id}/note", {"by": "li", "note": "a pan on the stove"}),
            ("POST", f"/incidents/{one.id}/resolve", {"by": "li"}),
            ("POST", f"/incidents/{one.id}/close", {"by": "li", "rating": 5}),
            ("POST", f"/incidents/{one.id}/reopen", {"by": "li"}),
            ("POST", f"/incidents/{two.id}/refuse", {"by": "li"}),
            ("POST", "/silences", {"matcher": {"site": "shuibei"}, "ends_us": desk.now_us + HOUR, "reason": "works"}),
            ("POST", "/drills", {"device": FLAT.key, "rule": "gas.high"}),
            ("POST", "/contact-tests", {"people": ["li"]}),
            (
                "POST",
                "/externals",
                {
                    "source": "prometheus",
                    "fingerprint": "a1",
                    "name": "DiskFull",
                    "summary": "disk",
                    "severity": "warning",
                    "holds": True,
                    "since_us": T0,
                },
            ),
            ("POST", f"/notifications/{message}/settle", {"status": "received", "detail": "ok", "attempts": 1}),
            ("POST", "/subscriptions", {"person": "li", "subscription": SUBSCRIPTION}),
            ("POST", "/subscriptions/remove", {"endpoint": "https://push.example/1"}),
            ("POST", "/audits", {"subject": WATCH.key, "what": "location"}),
        ]
        for method, path, body in calls:
            response = await call(console, method, path, body)
            assert response.status_code == 200, (path, response.text)
        silence = desk.noise.silences(desk.now_us)[0]
        changed = {"matcher": {"site": "shuibei"}, "ends_us": desk.now_us + 2 * HOUR, "reason": "works go on"}
        assert (await call(console, "PUT", f"/silences/{silence.id}", changed)).status_code == 200
        assert desk.noise.silences(desk.now_us)[0].reason == "works go on"
        assert (await call(console, "DELETE", f"/silences/{silence.id}")).status_code == 200
        assert {type(command) for command in desk.commands} == set(typing.get_args(Command))
        assert all(command.origin == "api cad 127.0.0.1" for command in desk.commands)


async def test_a_decision_comes_back_with_what_it_did_and_what_is_possible_now() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        response = await call(console, "POST", f"/incidents/{incident.id}/accept", {"by": "li", "note": "on my way"})
        made = response.json()
        assert made["id"] == incident.id
        assert made["incident"]["incident"]["state"] == "accepted"
        assert made["incident"]["incident"]["accepted_by"] == "li"
        assert "arrive" in made["incident"]["possible"]
        assert "reopen" not in made["incident"]["possible"]
        (command,) = console.desk.commands
        assert isinstance(command, Accept)
        assert command.note == "on my way"


async def test_who_says_nothing_acts_in_the_name_of_the_token() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        assert (await call(console, "POST", f"/incidents/{incident.id}/accept")).status_code == 200
        assert console.desk.incident(incident.id).accepted_by == "cad"


# ── faults ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_every_fault_of_a_body_is_said_with_its_place() -> None:
    async with serving(TOKENS) as console:
        body = {"matcher": {"site": 3, "where": "x"}, "ends_us": "soon", "origin": "me", "shape": 1}
        response = await call(console, "POST", "/silences", body)
        assert response.status_code == 400
        places = [fault.partition(":")[0] for fault in response.json()["faults"]]
        assert sorted(places) == ["ends_us", "matcher.site", "matcher.where", "origin", "reason", "shape"]
        assert console.desk.commands == []


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b'"x"', b"\xff", b'"\xff"', b'{"by": 1}', b"[" * 9_000])
async def test_what_is_no_body_is_a_fault(body: bytes) -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        response = await console.client.post(
            f"/api/v1/incidents/{incident.id}/accept", content=body, headers={"authorization": f"Bearer {SECRET}"}
        )
        assert response.status_code == 400
        assert response.json()["faults"]


async def test_nobody_by_no_name_decides_anything() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        response = await call(console, "POST", f"/incidents/{incident.id}/accept", {"by": " "})
        assert (response.status_code, console.desk.commands) == (400, [])


async def test_what_the_state_forbids_is_a_conflict_and_says_what_is_possible() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        response = await call(console, "POST", f"/incidents/{incident.id}/close", {"by": "li", "rating": 3})
        assert response.status_code == 409
        assert "accept" in response.json()["possible"]
        assert console.metric("vigil_console_refused_total", reason="too_late") == 1


@pytest.mark.parametrize("path", ["/incidents/NOSUCH00", "/incidents/NOSUCH00/timeline", "/incidents/NOSUCH00/asks"])
async def test_an_unknown_incident_is_not_found(path: str) -> None:
    async with serving(TOKENS) as console:
        assert (await call(console, "GET", path)).status_code == 404
        assert (await call(console, "POST", "/incidents/NOSUCH00/accept")).status_code == 404


async def test_an_unknown_silence_is_not_found() -> None:
    async with serving(TOKENS) as console:
        assert (await call(console, "DELETE", "/silences/NOSUCH")).status_code == 404


async def test_a_body_beyond_the_bound_is_not_read() -> None:
    async with serving({**TOKENS, "max_body_bytes": 2048}) as console:
        incident = console.desk.raise_()
        response = await call(console, "POST", f"/incidents/{incident.id}/note", {"note": "x" * 3000})
        assert response.status_code == 413
        assert console.metric("vigil_console_refused_total", reason="too_large") == 1
        assert (await call(console, "POST", f"/incidents/{incident.id}/note", {"note": "x"})).status_code == 200


# ── once ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_repeat_of_an_idempotency_key_gets_the_first_ones_answer() -> None:
    async with serving(TOKENS) as console:
        body = {"device": FLAT.key, "rule": "gas.high"}
        both = await asyncio.gather(
            *(call(console, "POST", "/drills", body, idempotency_key="monthly-11") for _ in range(2))
        )
        again = await call(console, "POST", "/drills", body, idempotency_key="monthly-11")
        assert len({response.text for response in (*both, again)}) == 1
        assert again.headers["idempotency-replayed"] == "true"
        assert [type(command) for command in console.desk.commands] == [StartDrill]


async def test_an_idempotency_key_of_another_request_is_refused() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        path = f"/incidents/{incident.id}/note"
        assert (await call(console, "POST", path, {"note": "one"}, idempotency_key="k")).status_code == 200
        assert (await call(console, "POST", path, {"note": "two"}, idempotency_key="k")).status_code == 422
        assert (await call(console, "POST", path, {"note": "two"}, idempotency_key="x" * 201)).status_code == 400


async def test_what_was_refused_may_be_tried_again_with_its_key() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        path, key = f"/incidents/{incident.id}/reopen", {"idempotency_key": "k"}
        assert (await call(console, "POST", path, **key)).status_code == 409
        console.desk.fold(Verify(incident=incident.id, by="li", origin="api", outcome=Outcome.TRUE))
        console.desk.fold(Resolve(incident=incident.id, by="li", origin="api"))
        assert (await call(console, "POST", path, **key)).status_code == 200


# ── who may ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_without_a_token_nothing_is_said_and_guessing_is_slowed_down() -> None:
    async with serving(TOKENS) as console:
        assert (await console.get("/api/v1/incidents")).status_code == 401
        codes = [(await call(console, "GET", "/incidents", secret=f"guess-{n}")).status_code for n in range(24)]
        assert (codes[:19], codes[19:]) == ([401] * 19, [429] * 5)
        assert (await call(console, "GET", "/incidents")).status_code == 200
        basic = await console.get("/api/v1/incidents", headers={"authorization": f"Basic {SECRET}"})
        assert basic.status_code == 429


async def test_a_token_does_what_it_may() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        board = SECRET + "-board"
        assert (await call(console, "GET", f"/incidents/{incident.id}", secret=board)).status_code == 200
        for order in ORDERS:
            path = order.path.replace("{incident}", incident.id).replace("{id}", "X").replace("{notification}", "X")
            assert (await call(console, order.method, path, {}, secret=board)).status_code == 403
        assert console.desk.commands == []


async def test_what_is_of_another_site_does_not_exist() -> None:
    async with serving(TOKENS) as console:
        incident, town = console.desk.raise_(), SECRET + "-town"
        silence = Silence(
            matcher=msgspec.convert({"site": "shuibei"}, type=typing.get_type_hints(Silence)["matcher"]),
            ends_us=console.desk.now_us + HOUR,
            by="li",
            origin="api",
            reason="works",
        )
        await console.desk.submit(silence)
        console.desk.commands.clear()
        (name,) = [one.id for one in console.desk.noise.silences(console.desk.now_us)]
        assert (await call(console, "GET", "/incidents", secret=town)).json() == []
        assert (await call(console, "GET", "/silences", secret=town)).json() == []
        ends_us = console.desk.now_us + HOUR
        for method, path, body, code in (
            ("GET", f"/incidents/{incident.id}", None, 404),
            ("POST", f"/incidents/{incident.id}/accept", None, 404),
            ("POST", "/silences", {"matcher": {}, "ends_us": ends_us, "reason": "x"}, 403),
            ("POST", "/silences", {"matcher": {"site": "shuibei"}, "ends_us": ends_us, "reason": "x"}, 403),
            ("PUT", f"/silences/{name}", {"matcher": {"site": "longtian"}, "ends_us": ends_us, "reason": "x"}, 404),
            ("DELETE", f"/silences/{name}", None, 404),
            ("POST", "/drills", {"device": FLAT.key, "rule": "gas.high"}, 403),
            ("POST", "/contact-tests", {}, 403),
            ("GET", "/contact-tests", None, 403),
            ("POST", "/audits", {"subject": WATCH.key, "what": "location"}, 403),
            ("POST", "/subscriptions", {"person": "li", "subscription": SUBSCRIPTION}, 403),
            (
                "POST",
                f"/notifications/{console.desk.asked('li').id}/settle",
                {"status": "failed", "detail": "", "attempts": 1},
                403,
            ),
        ):
            response = await call(console, method, path, body, secret=town)
            assert response.status_code == code, (path, response.text)
        assert console.desk.commands == []


# ── looking ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_lists_are_filtered_and_bounded_and_every_fault_of_a_query_is_said() -> None:
    async with serving(TOKENS) as console:
        one, two = console.desk.raise_(), console.desk.raise_(TANK)
        console.desk.fold(Verify(incident=one.id, by="li", origin="api", outcome=Outcome.TEST))
        console.desk.fold(Resolve(incident=one.id, by="li", origin="api"))
        shown = [item["incident"]["id"] for item in (await call(console, "GET", "/incidents")).json()]
        assert shown == [two.id]
        recent = (await call(console, "GET", "/incidents?state=recent&site=shuibei&limit=5")).json()
        assert {item["incident"]["id"] for item in recent} == {one.id, two.id}
        assert (await call(console, "GET", "/incidents?site=elsewhere")).json() == []
        assert len((await call(console, "GET", "/incidents?state=recent&limit=1")).json()) == 1
        faults = (await call(console, "GET", "/incidents?state=all&limit=many")).json()["faults"]
        assert [fault.partition(":")[0] for fault in faults] == ["state", "limit"]
        for limit in ("0", "1001", "0000000011", "1" * 5_000):
            assert (await call(console, "GET", f"/incidents?limit={limit}")).status_code == 400


async def test_who_is_asked_is_shown_without_the_codes_that_answer() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        code = console.desk.asked("li").code
        response = await call(console, "GET", f"/incidents/{incident.id}/asks")
        assert [(ask["person"], ask["state"]) for ask in response.json()] == [("li", "waiting")]
        assert code
        assert code not in response.text


async def test_the_timeline_says_what_happened() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_()
        console.desk.fold(Accept(incident=incident.id, by="li", origin="api"))
        timeline = (await call(console, "GET", f"/incidents/{incident.id}/timeline")).json()
        kinds = [line["kind"] for line in timeline if line["type"] == "incident"]
        assert kinds == ["raised", "accepted"]


async def test_an_elders_place_is_in_no_list_and_each_look_at_one_is_noted() -> None:
    async with serving(TOKENS) as console:
        incident = console.desk.raise_(SOS, WATCH)
        listed = (await call(console, "GET", "/incidents")).json()[0]["incident"]
        assert (listed["latitude"], listed["building"], listed["place"]) == (None, "", "shuibei")
        assert console.desk.commands == []
        seen = (await call(console, "GET", f"/incidents/{incident.id}")).json()["incident"]
        assert (seen["latitude"], seen["building"]) == (22.5, "5")
        looks = [command for command in console.desk.commands if isinstance(command, Audit)]
        assert [(look.by, look.what, look.allowed) for look in looks] == [
            ("cad", "location", True),
            ("cad", "health", True),
        ]
        console.desk.fold(Verify(incident=incident.id, by="li", origin="api", outcome=Outcome.TRUE))
        console.desk.fold(Resolve(incident=incident.id, by="li", origin="api"))
        assert console.desk.incident(incident.id).state is IncidentState.RESOLVED
        after = await call(console, "GET", f"/incidents/{incident.id}")
        assert "22.5" not in after.text
        timeline = await call(console, "GET", f"/incidents/{incident.id}/timeline")
        assert "22.5" not in timeline.text
        assert "building" not in timeline.text.replace('"building":""', "")
        assert [command.allowed for command in console.desk.commands if isinstance(command, Audit)][2:] == [False] * 4


# ── OpenAPI ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_openapi_document_has_every_address_and_every_reference_leads_somewhere() -> None:
    async with serving(TOKENS) as console:
        response = await console.get("/api/v1/openapi.json")  # no token: it holds nothing
        said = response.json()
        assert said["openapi"] == "3.1.0"
        for order in ORDERS:
            operation = said["paths"][order.path][order.method.lower()]
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            in_path = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
            assert not {"type", "origin", *in_path} & schema["properties"].keys()
            assert "by" not in schema["required"]
        names = [operation["operationId"] for path in said["paths"].values() for operation in path.values()]
        assert len(set(names)) == len(names)
        references = _references(said)
        assert references
        for reference in references:
            assert reference.removeprefix("#/components/schemas/") in said["components"]["schemas"], reference


def test_what_the_document_says_is_what_is_read() -> None:
    said = msgspec.json.decode(document())
    for order in ORDERS:
        body = said["paths"][order.path][order.method.lower()]["requestBody"]["content"]["application/json"]["schema"]
        known = {field.name for field in msgspec.structs.fields(order.command)}
        assert body["properties"].keys() <= known


def _references(said: Any) -> set[str]:
    if isinstance(said, dict):
        found = {said["$ref"]} if "$ref" in said else set()
        return found.union(*(_references(value) for value in said.values()))
    return set().union(*(_references(value) for value in said)) if isinstance(said, list) else set()


async def test_every_label_is_there_before_anything_happened() -> None:
    async with serving() as console:
        text = console.metrics()
        for reason in ("bad_link", "wrong_address", "too_large"):
            assert f'vigil_console_refused_total{{reason="{reason}"}} 0.0' in text
        assert 'vigil_console_requests_total{area="page",status="2xx"} 0.0' in text
        await console.get("/a/x")
        assert console.metric("vigil_console_requests_total", area="page", status="4xx") == 1

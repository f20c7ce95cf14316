from __future__ import annotations

import base64
import hashlib
import re

import msgspec
import pytest
from msgspec.structs import replace as changed

from alerts.command import Subscribe, Unsubscribe
from alerts.notification import Purpose
from alerts.people.model import Directory
from tests.console.scene import ZHAO, serving

KEY = "BNbxGYNMhEIi9zrneh7mqV4oUanjLUK3m-mYZBc62frMKrEoMk88r3Lk596T0ck9xlT5ok_sIA0l9QnQ_nJ8Y3I"
POINT = base64.urlsafe_b64encode(b"\x04" + bytes(range(64))).rstrip(b"=").decode()
GIVEN = {"endpoint": "https://push.example/abc", "keys": {"p256dh": POINT, "auth": "A" * 22}}


async def test_the_page_runs_its_own_script_and_nothing_else() -> None:
    async with serving(push_key=KEY) as console:
        console.desk.raise_()
        page = await console.get(f"{console.path()}/push")
        assert page.status_code == 200
        (script,) = re.findall(r"<script>(.*?)</script>", page.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy = page.headers["content-security-policy"]
        assert f"script-src 'sha256-{digest}'" in policy
        assert "unsafe" not in policy
        assert KEY in script
        worker = await console.get("/push/worker.js")
        assert worker.headers["content-type"].startswith("text/javascript")
        assert "showNotification" in worker.text
        assert f"{console.path()}/push" in (await console.get(console.path())).text


async def test_a_browser_is_subscribed_and_unsubscribed_for_the_person_of_the_link() -> None:
    async with serving(push_key=KEY) as console:
        console.desk.raise_()
        path = f"{console.path()}/push"
        body = msgspec.json.encode(GIVEN)
        assert (await console.client.post(path, content=body)).status_code == 204
        assert [one.endpoint for one in console.desk.alerting.subscriptions.of("li")] == [GIVEN["endpoint"]]
        assert (await console.client.post(f"{path}/remove", content=body)).status_code == 204
        assert console.desk.alerting.subscriptions.of("li") == ()
        assert [type(command) for command in console.desk.commands] == [Subscribe, Unsubscribe]


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", msgspec.json.encode({**GIVEN, "endpoint": "http://evil/"})])
async def test_what_is_no_subscription_is_refused(body: bytes) -> None:
    async with serving(push_key=KEY) as console:
        console.desk.raise_()
        for path in ("/push", "/push/remove"):
            assert (await console.client.post(console.path() + path, content=body)).status_code == 400
        assert console.desk.commands == []


async def test_only_a_person_with_a_good_link_subscribes() -> None:
    async with serving(push_key=KEY) as console:
        console.desk.raise_()
        body = msgspec.json.encode(GIVEN)
        assert (await console.get("/a/nothing/push")).status_code == 404
        assert (await console.client.post("/a/nothing/push", content=body)).status_code == 404
        board = changed(console.desk.asked("li"), id="B" * 20, recipient="board", purpose=Purpose.WHISTLE)
        console.desk.outbox.owe([board])
        assert (await console.client.post(f"{console.path(board)}/push", content=body)).status_code == 400
        path = console.path()
        console.desk.use(Directory(people=(ZHAO,)))
        assert (await console.client.post(f"{path}/push", content=body)).status_code == 400
        assert console.desk.commands == []


async def test_where_nothing_is_pushed_there_is_no_such_page() -> None:
    async with serving() as console:
        console.desk.raise_()
        assert (await console.get(f"{console.path()}/push")).status_code == 404
        assert "/push" not in (await console.get(console.path())).text

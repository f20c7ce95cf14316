"""From a sensor's message to a person's answer: `vigil run` with a real broker, a gateway for SMS, and no database."""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import aiomqtt
import httpx
import msgspec
import pytest

from alerts.evidence.dossier import Dossier, read_dossier, verdict
from service.control import control_socket
from tests.alerts.gateways import Ask, Gateway, gateway, says
from tests.support.broker import free_port
from tests.support.device import Device
from tests.support.inbox import until
from tests.support.process import VigilProcess
from tests.support.receiver import Receiver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

    from alerts.evidence.line import Line
    from tests.support.broker import Mosquitto

pytestmark = pytest.mark.real

SECRET = "of-the-sms-gateway-0001"
LEDGER = """site,device,kind,grid,building,floor,unit
town,smoke-1,smoke,3,5,2,502
town,smoke-2,smoke,3,9,1,101
town,watch-1,watch,3,11,3,301
town,watch-2,watch,3,12,4,401
"""
STEP_S = 2.0
SETTINGS = """
[devices]
ledger = "../ledger.csv"

[console]
port = {port}
public_url = "http://127.0.0.1:{port}"

[console.inbound_secrets]
sms = "{secret}"

[channels.sms]
type = "sms"

[channels.sms.gateway]
preset = "http"
url = "{url}/send"
body_json = {{ to = "{{address}}", text = "{{text}}" }}
success = "code"
success_values = ["0"]
reference = "sid"

[channels.sms.gateway.receipts]
reference = "sid"
status = "status"
received = ["DELIVRD"]

[channels.sms.gateway.replies]
address = "from"
text = "content"

[channels.watch]
type = "mqtt"
topic = "vigil/v1/{{address}}/cmd"

[directory]
files = ["people.toml"]
"""
PEOPLE = f"""
[[people]]
name = "li"
label = "李娜"
contacts = ["sms:+8613800000001"]
languages = ["zh"]
roles = ["grid-staff"]

[[people]]
name = "wang"
contacts = ["sms:+8613800000002"]
languages = ["zh"]

[[people]]
name = "daughter"
contacts = ["sms:+8613800000003"]
languages = ["en"]

[[people]]
name = "granny-1"
contacts = ["watch:town/watch-1"]

[[people]]
name = "granny-2"
contacts = ["watch:town/watch-2"]

[[residents]]
device = "town/watch-1"
person = "granny-1"
family = ["daughter"]

[[residents]]
device = "town/watch-2"
person = "granny-2"
family = ["daughter"]

[[chains]]
name = "fire"
receipt = "1 min"
[[chains.steps]]
to = "role:grid-staff"
[[chains.steps]]
to = "person:wang"
after = "{STEP_S:g} s"

[[chains]]
name = "elder"
receipt = "1 min"
[[chains.steps]]
to = "resident"
[[chains.steps]]
to = "family"
after = "{STEP_S:g} s"
[[chains.steps]]
to = "role:grid-staff"
after = "5 min"

[[routes]]
chain = "elder"
kinds = ["watch"]

[[routes]]
chain = "fire"
classes = ["life-safety"]
"""
LI, WANG, DAUGHTER = (f"+861380000000{n}" for n in (1, 2, 3))


@dataclass(slots=True)
class Phones:
    """The gateway, the phones behind it, and what people do with them. came: s, monotonic, of each SMS."""

    gateway: Gateway
    public_url: str
    came: list[float] = field(default_factory=list)

    def texts(self, number: str, about: str = "") -> list[str]:
        """Return the SMS that a phone has got, those that hold `about`."""
        return [ask.json["text"] for ask in self.gateway.asks if ask.json["to"] == number and about in ask.json["text"]]

    async def gets(self, number: str, about: str = "", n: int = 1) -> str:
        """Wait for the `n`th SMS; return it."""
        await until(lambda: len(self.texts(number, about)) >= n, 20)
        return self.texts(number, about)[n - 1]

    async def open(self, sms: str) -> tuple[str, str]:
        """Open the link of an SMS; return its address and the page."""
        url = re.findall(r"http://\S+/a/\w+", sms)[-1]
        async with httpx.AsyncClient() as browser:
            page = await browser.get(url)
        assert page.status_code == 200
        return url, page.text

    async def tap(self, url: str, page: str, answer: str) -> httpx.Response:
        """Press a button of a page."""
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        async with httpx.AsyncClient(follow_redirects=True) as browser:
            return await browser.post(url, data=form | {"answer": answer})

    async def send(self, kind: str, body: dict[str, str], secret: str = SECRET) -> int:
        """Let the gateway send something back; return what it is answered."""
        async with httpx.AsyncClient() as client:
            answer = await client.post(f"{self.public_url}/inbound/sms/{kind}/{secret}", json=body)
        return answer.status_code


def code_of(sms: str) -> str:
    """Return the code with which a reply begins."""
    return str(re.findall(r"(?:回复|Reply) (\d+) 1", sms)[0])


@pytest.fixture
async def phones() -> AsyncIterator[Phones]:
    numbers = count(1)
    came: list[float] = []

    def take(_: Ask) -> web.Response:
        came.append(time.monotonic())
        return says({"code": "0", "sid": f"sid-{next(numbers)}"})

    async with gateway(take) as far:
        yield Phones(far, f"http://127.0.0.1:{free_port()}", came)


@pytest.fixture
async def vigil(tmp_path: Path, mosquitto: Mosquitto, phones: Phones) -> AsyncIterator[VigilProcess]:
    (tmp_path / "ledger.csv").write_text(LEDGER, "utf-8")
    (tmp_path / "vigil").mkdir()
    (tmp_path / "vigil" / "people.toml").write_text(PEOPLE, "utf-8")
    more = SETTINGS.format(port=phones.public_url.rpartition(":")[2], url=phones.gateway.url, secret=SECRET)
    nowhere = f"host=127.0.0.1 port={free_port()}"  # PostgreSQL is down all the time
    async with Receiver() as desk:
        process = VigilProcess(tmp_path / "vigil", mosquitto.port, nowhere, desk.url, more=more)
        process.start()
        try:
            await process.ready()
            yield process
            assert process.stop() == 0
        finally:
            process.end()


@pytest.fixture
def device(mosquitto: Mosquitto) -> Device:
    return Device(mosquitto.host, mosquitto.port)


async def ask(vigil: VigilProcess, path: str) -> Any:
    """Ask the control interface, as the commands do."""
    transport = httpx.AsyncHTTPTransport(uds=str(control_socket(vigil.data_dir)))
    async with httpx.AsyncClient(transport=transport, base_url="http://vigil") as client:
        return (await client.get(path)).raise_for_status().json()


async def shown(vigil: VigilProcess, device: str) -> dict[str, Any]:
    """Return the incident of a device."""
    listed = await ask(vigil, "/incidents?state=all")
    return next(dict(one) for one in listed if one["device"] == f"town/{device}")


async def timeline(vigil: VigilProcess, incident: str) -> list[Line]:
    """Return an incident's timeline, which is whole."""
    return lines_of(msgspec.convert(await ask(vigil, f"/incidents/{incident}/dossier"), Dossier))


def lines_of(dossier: Dossier) -> list[Line]:
    assert verdict(dossier) is None
    assert [one.line.place for one in dossier.lines] == list(range(1, len(dossier.lines) + 1))
    return [one.line for one in dossier.lines]


async def test_an_alarm_is_answered_by_a_link_the_next_by_the_next_person_with_an_sms(
    vigil: VigilProcess, device: Device, phones: Phones
) -> None:
    # The first: the link of the SMS is opened, and accepted.
    await device.publish([("vigil/v1/town/smoke-1/alarm", {"smoke": 1})])
    sms = await phones.gets(LI)
    assert "烟雾报警" in sms
    assert await phones.send("receipts", {"sid": "sid-1", "status": "DELIVRD"}) == 200
    url, page = await phones.open(sms)
    assert "502" in page
    assert (await phones.tap(url, page, "accept")).status_code == 200
    first = await shown(vigil, "smoke-1")
    assert (first["state"], first["accepted_by"]) == ("accepted", "li")

    # The second: nobody answers, so the next of the chain is asked in time, and replies.
    await device.publish([("vigil/v1/town/smoke-2/alarm", {"smoke": 1})])
    await phones.gets(LI, n=2)
    asked_at = phones.came[-1]
    sms = await phones.gets(WANG)
    assert STEP_S - 0.5 < phones.came[-1] - asked_at < STEP_S + 2
    assert await phones.send("replies", {"from": "13800000002", "content": f"{code_of(sms)} 1"}, "x" * 20) == 404
    assert await phones.send("replies", {"from": "13800000009", "content": f"{code_of(sms)} 1"}) == 200
    assert (await shown(vigil, "smoke-2"))["state"] == "raised", "not theirs"
    assert await phones.send("replies", {"from": "13800000002", "content": f"{code_of(sms)} 1"}) == 200
    second = await shown(vigil, "smoke-2")
    assert (second["state"], second["accepted_by"]) == ("accepted", "wang")

    # By now the first one's second step would have been taken, had nobody accepted it.
    assert len(phones.texts(WANG)) == 1
    told = [(line.what, line.kind, line.who) for line in await timeline(vigil, first["id"])]
    assert ("response", "asked", "li") in told
    assert told.index(("notification", "handed", "li")) < told.index(("notification", "received", "li"))
    assert told.index(("notification", "received", "li")) < told.index(("incident", "accepted", "li"))
    assert ("notification", "answered", "li") in told
    assert "escalated" not in [kind for _, kind, _ in told]
    shown_ = json.loads(await vigil.command("incidents", "show", second["id"].lower(), "--json"))
    assert (shown_["id"], shown_["state"], shown_["accepted_by"]) == (second["id"], "accepted", "wang")
    exported = vigil.directory / "second.json"
    await vigil.command("evidence", "export", second["id"], "--output", str(exported))
    lines = lines_of(read_dossier(exported.read_bytes()))
    (raised, escalated, accepted) = (
        next(line for line in lines if line.kind == kind) for kind in ("raised", "escalated", "accepted")
    )
    assert STEP_S <= (escalated.time_us - raised.time_us) / 1e6 < STEP_S + 2
    assert (accepted.who, accepted.via) == ("wang", "sms sms …0002")
    report = await ask(vigil, f"/incidents/{second['id']}/report")
    assert (report["silent"], report["first"]["person"], report["missing"]) == (["li"], "wang", 0)
    assert await vigil.metric("vigil_archive_rows_total") == 0


async def test_an_elder_is_asked_by_the_watch_and_what_she_says_decides(
    vigil: VigilProcess, mosquitto: Mosquitto, device: Device, phones: Phones
) -> None:
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as watches:
        await watches.subscribe("vigil/v1/+/+/cmd", qos=1)

        async def asked(topic: str) -> dict[str, Any]:
            async with asyncio.timeout(20):
                message = await anext(watches.messages)
            assert message.topic.value == topic
            return dict(json.loads(message.payload)["data"])

        # She is fine: a false alarm, and nobody else is asked.
        await device.publish([("vigil/v1/town/watch-2/alarm", {"sos": 1})])
        question = await asked("vigil/v1/town/watch-2/cmd")
        assert (question["recipient"], question["purpose"], question["wants_answer"]) == ("granny-2", "ask", True)
        await device.publish([("vigil/v1/town/watch-2/alarm", {"answer": 1})])

        # She needs help: the family at once.
        await device.publish([("vigil/v1/town/watch-1/alarm", {"sos": 1})])
        assert (await asked("vigil/v1/town/watch-1/cmd"))["recipient"] == "granny-1"
        await device.publish([("vigil/v1/town/watch-1/alarm", {"answer": 2})])
        sms = await phones.gets(DAUGHTER)

    assert "SOS" in sms
    assert await phones.send("replies", {"from": DAUGHTER, "content": f"{code_of(sms)} 1"}) == 200
    helped = await shown(vigil, "watch-1")
    assert (helped["state"], helped["accepted_by"]) == ("accepted", "daughter")
    lines = await timeline(vigil, helped["id"])
    refused = next(line for line in lines if line.kind == "refused")
    family = next(line for line in lines if (line.kind, line.who) == ("asked", "daughter"))
    assert (refused.who, refused.via) == ("granny-1", "watch")
    assert family.time_us == refused.time_us, "at once"

    fine = await shown(vigil, "watch-2")
    assert (fine["state"], fine["outcome"], fine["accepted_by"]) == ("verified", "false_alarm", "granny-2")
    # A later alarm's second step shows that the first one's has not been taken since.
    await device.publish([("vigil/v1/town/smoke-1/alarm", {"smoke": 1})])
    await phones.gets(WANG)
    kinds = [(line.kind, line.who) for line in await timeline(vigil, fine["id"])]
    assert ("verified", "granny-2") in kinds
    assert ("asked", "daughter") not in kinds
    assert "escalated" not in [kind for kind, _ in kinds]
    assert len(phones.texts(DAUGHTER)) == 1

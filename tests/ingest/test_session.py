"""The session against a real mosquitto."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest import BrokerRefused, LossReason, RefusalReason, Session, SessionTakenOver
from tests.support.inbox import Inbox, publish, running, settings_for, started, until

if TYPE_CHECKING:
    import mqtt5

    from tests.support.broker import Mosquitto, StartMosquitto

pytestmark = pytest.mark.real


def numbers(start: int, stop: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, stop)]


async def test_messages_come_in_order_in_one_call_per_wake_up(mosquitto: Mosquitto) -> None:
    inbox = Inbox(acknowledges=True)
    session = inbox.attach(settings_for(mosquitto))
    async with running(session):
        await publish(mosquitto, numbers(0, 500))
        await inbox.until(500)
    assert inbox.payloads() == numbers(0, 500)
    assert session.counters.messages == session.counters.acks == 500
    assert len(inbox.runs) <= session.counters.wakeups
    assert inbox.connected == [False]


async def test_a_backlog_comes_in_few_wake_ups(mosquitto: Mosquitto) -> None:
    settings = settings_for(mosquitto)
    async with running(Inbox().attach(settings)):
        pass
    await publish(mosquitto, numbers(0, 2000))
    inbox = Inbox(acknowledges=True)
    async with running(inbox.attach(settings)):
        await inbox.until(2000)
    assert inbox.payloads() == numbers(0, 2000)
    assert inbox.connected == [True]
    assert len(inbox.runs) < 200


async def test_what_was_not_acknowledged_comes_again_first_with_the_same_id_and_dup(
    start_mosquitto: StartMosquitto,
) -> None:
    broker = start_mosquitto("log_type all")
    settings = settings_for(broker)
    first = Inbox()
    async with running(first.attach(settings)):
        await publish(broker, numbers(0, 10))
        await first.until(10)
        first.acknowledge(1, first.ids()[:4])
    await until(lambda: "Received DISCONNECT from vigil-test" in broker.log.read_text())  # else it still sends to us
    await publish(broker, numbers(10, 15))
    second = Inbox()
    async with running(second.attach(settings)):
        await second.until(11)
    assert second.payloads() == numbers(4, 15)
    assert second.ids()[:6] == first.ids()[4:]
    assert [packet.duplicate for packet in second.packets()] == [True] * 6 + [False] * 5


async def test_an_acknowledgement_of_an_older_epoch_is_dropped_and_counted(mosquitto: Mosquitto) -> None:
    inbox = Inbox()
    session = inbox.attach(settings_for(mosquitto))
    async with running(session):
        await publish(mosquitto, numbers(0, 3))
        await inbox.until(3)
        mosquitto.kill()
        await until(lambda: not session.connected)
        inbox.acknowledge(1, inbox.ids(1))
        assert session.counters.stale_acks == 3
        mosquitto.start()
        await until(lambda: session.connected)
        await publish(mosquitto, numbers(3, 6))
        await inbox.until(6)
        assert inbox.ids(2) == inbox.ids(1)
        inbox.acknowledge(1, inbox.ids(1))
    assert session.counters.stale_acks == 6
    assert session.counters.acks == 0


async def test_no_more_than_receive_maximum_arrive_unacknowledged(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("max_inflight_messages 0", "max_queued_messages 100000")
    inbox, sentinel = Inbox(), Inbox()
    async with (
        running(inbox.attach(settings_for(broker, receive_maximum=7))),
        running(sentinel.attach(settings_for(broker, client_id="sentinel"))),
    ):
        await publish(broker, numbers(0, 50))
        await sentinel.until(50)
        await publish(broker, [b"qos 0 has no window"], qos=0)
        await inbox.until(8)
        assert inbox.payloads() == [*numbers(0, 7), b"qos 0 has no window"]


async def test_qos_0_is_handed_over_without_a_packet_id(mosquitto: Mosquitto) -> None:
    inbox = Inbox(acknowledges=True)
    async with running(inbox.attach(settings_for(mosquitto))):
        await publish(mosquitto, [b"x"], qos=0)
        await inbox.until(1)
    assert [packet.packet_id for packet in inbox.packets()] == [None]


async def test_a_restarted_broker_without_persistence_has_lost_the_session(mosquitto: Mosquitto) -> None:
    inbox = Inbox()
    session = inbox.attach(settings_for(mosquitto))
    async with running(session):
        mosquitto.restart()
        await until(lambda: session.counters.connects == 2 and session.connected)
        await publish(mosquitto, numbers(0, 2))
        await inbox.until(2)
    assert inbox.connected == [False, False]
    assert session.counters.sessions_lost == 1
    assert session.epoch == 2
    ended = session.counters.disconnects
    assert ended[LossReason.SHUT_DOWN] + ended[LossReason.CLOSED] + ended[LossReason.NETWORK_FAULT] == 1
    assert ended[LossReason.LEFT] == 0


async def test_a_restarted_broker_with_persistence_keeps_the_session(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("persistence true")
    inbox = Inbox()
    session = inbox.attach(settings_for(broker))
    async with running(session):
        await publish(broker, numbers(0, 3))
        await inbox.until(3)
        broker.restart()
        await inbox.until(6)
    assert inbox.connected == [False, True]
    assert session.counters.sessions_lost == 0
    assert inbox.payloads(2) == numbers(0, 3)
    assert inbox.ids(2) == inbox.ids(1)
    assert all(packet.duplicate for packet in inbox.packets(2))


async def test_retained_messages_come_once(mosquitto: Mosquitto) -> None:
    await publish(mosquitto, [b"r"], retain=True)
    settings = settings_for(mosquitto)
    inbox = Inbox(acknowledges=True)
    async with running(inbox.attach(settings)):
        await inbox.until(1)
    async with running(inbox.attach(settings)):
        await publish(mosquitto, [b"live"])
        await inbox.until(2)
    assert inbox.payloads() == [b"r", b"live"]
    assert [packet.retain for packet in (*inbox.packets(1), *inbox.packets(2))] == [True, False]


async def test_a_session_starts_before_its_broker(mosquitto: Mosquitto) -> None:
    mosquitto.stop()
    session = Inbox().attach(settings_for(mosquitto))
    async with started(session):
        await until(lambda: session.counters.disconnects[LossReason.UNREACHABLE] >= 3)
        assert not session.connected
        mosquitto.start()
        await until(lambda: session.connected)
    assert session.counters.sessions_lost == 0


async def test_a_cancelled_session_says_disconnect_and_the_broker_keeps_it(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("log_type all")
    settings = settings_for(broker)
    session = Inbox().attach(settings)
    async with running(session):
        pass
    assert not session.connected
    await until(lambda: "Received DISCONNECT from vigil-test" in broker.log.read_text())
    again = Inbox()
    async with running(again.attach(settings)):
        assert again.connected == [True]


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """Return a password file with the user `vigil` and the password `right`."""
    file = tmp_path / "users"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(file), "vigil", "right"], check=True)
    return file


async def test_a_wrong_password_is_told(start_mosquitto: StartMosquitto, users: Path) -> None:
    broker = start_mosquitto("allow_anonymous false", f"password_file {users}")
    async with running(Inbox().attach(settings_for(broker, username="vigil", password="right"))):
        pass
    session = Inbox().attach(settings_for(broker, username="vigil", password="wrong"))
    with pytest.raises(BrokerRefused, match="bad user name or password") as refused:
        await session.run()
    assert refused.value.reason in {RefusalReason.CREDENTIALS, RefusalReason.NOT_AUTHORISED}
    assert f"127.0.0.1:{broker.port}" in str(refused.value)
    assert "wrong" not in repr(session.settings)


def dynamic_security() -> str:
    for plugin in Path("/usr").glob("lib*/**/mosquitto_dynamic_security.so"):
        return str(plugin)
    pytest.skip("mosquitto's dynamic security plugin is not installed")


async def test_a_subscription_that_is_not_authorised_is_told_by_its_filter(
    start_mosquitto: StartMosquitto, tmp_path: Path
) -> None:
    rules = tmp_path / "dynamic-security.json"
    rules.write_text(
        '{"defaultACLAccess": {"publishClientSend": true, "publishClientReceive": true, "subscribe": false}}'
    )
    broker = start_mosquitto(f"plugin {dynamic_security()}", f"plugin_opt_config_file {rules}")
    session = Inbox().attach(settings_for(broker), ["vigil/+/a", "vigil/+/b"])
    with pytest.raises(BrokerRefused) as refused:
        await session.run()
    assert refused.value.reason is RefusalReason.SUBSCRIPTION
    assert "'vigil/+/a' was refused (not authorized)" in str(refused.value)
    assert "'vigil/+/b' was refused (not authorized)" in str(refused.value)


async def test_a_subscription_granted_at_qos_0_is_a_fault(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto("listener {port} 127.0.0.1", "max_qos 0")
    session = Inbox().attach(settings_for(broker))
    with pytest.raises(BrokerRefused, match="'vigil/#' was granted at QoS 0 only") as refused:
        await session.run()
    assert refused.value.reason is RefusalReason.SUBSCRIPTION


async def test_of_two_sessions_with_one_client_id_one_stops_and_one_stays(mosquitto: Mosquitto) -> None:
    settings = settings_for(mosquitto)
    inboxes = [Inbox(acknowledges=True), Inbox(acknowledges=True)]
    sessions = [inbox.attach(settings) for inbox in inboxes]
    async with asyncio.timeout(10):
        tasks = [asyncio.create_task(session.run()) for session in sessions]
        (loser,), (winner,) = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(SessionTakenOver, match=r"the same client id.*is another Vigil running"):
            await loser
        stays = tasks.index(winner)
        await until(lambda: sessions[stays].connected)
        await publish(mosquitto, [b"x"])
        await inboxes[stays].until(1)
        winner.cancel()
        await asyncio.wait({winner})
    assert inboxes[1 - stays].messages == []


@pytest.mark.parametrize("size", [300_000, 2_000_000])
async def test_large_messages_come_whole_between_small_ones(mosquitto: Mosquitto, size: int) -> None:
    large = bytes(range(256)) * (size // 256)
    inbox = Inbox(acknowledges=True)
    async with running(inbox.attach(settings_for(mosquitto))):
        await publish(mosquitto, [b"before", large, b"between", large, b"after"])
        await inbox.until(5)
    assert inbox.payloads() == [b"before", large, b"between", large, b"after"]


async def test_a_receipt_reaches_a_subscriber(mosquitto: Mosquitto) -> None:
    inbox, device = Inbox(), Inbox()
    session = inbox.attach(settings_for(mosquitto), ["vigil/v1/+/+/alarm"])
    session.publish("vigil/v1/s/d/ack", b"too early")
    async with (
        running(session),
        running(device.attach(settings_for(mosquitto, client_id="device"), ["vigil/+/+/+/ack"])),
    ):
        session.publish("vigil/v1/s/d/ack", b"kept")
        session.publish("vigil/v1/s/+/ack", b"no topic")
        await device.until(1)
    session.publish("vigil/v1/s/d/ack", b"too late")
    assert device.payloads() == [b"kept"]
    assert (session.counters.receipts, session.counters.receipts_dropped) == (1, 3)


async def test_what_the_owner_raises_ends_the_session(mosquitto: Mosquitto) -> None:
    def burst(epoch: int, packets: list[mqtt5.PublishPacket]) -> None:
        raise ZeroDivisionError(epoch, packets)

    session = Session(settings_for(mosquitto), ["vigil/#"], burst, lambda *_: None)
    async with running(session) as task:
        await publish(mosquitto, [b"x"])
        with pytest.raises(ZeroDivisionError):
            await task


@pytest.mark.asyncio(loop_factories=["uvloop"])  # slow, and the same on any loop
async def test_a_quiet_session_pings_and_stays(mosquitto: Mosquitto) -> None:
    session = Inbox().attach(settings_for(mosquitto, keep_alive_s=1))
    async with running(session):
        await until(lambda: session.counters.pings >= 2)
        assert session.connected
        await until(lambda: session.counters.ping_s is not None)
        assert 0 < (session.counters.ping_s or 0) < 1
    assert session.counters.connects == 1

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import aiomqtt
import msgspec
import pytest

from alerts import Broker, DeliveryError, make_channel
from alerts.channels import ChannelContext, Handed, MqttSettings, mqtt
from devices.model import Device, Kind
from tests.alerts.receiver import HANG, receiver
from tests.alerts.scene import SMOKE, notification, raised, until
from tests.alerts.test_delivery import _fresh
from tests.support.broker import free_port

if TYPE_CHECKING:
    from alerts import Channel
    from tests.support.broker import Mosquitto

TOPIC = "vigil/v1/shuibei/flat-201/cmd"


def downlink(host: str, port: int, topic: str = "vigil/v1/{site}/{device}/cmd") -> Channel:
    return make_channel("siren", MqttSettings(type="mqtt", topic=topic), ChannelContext(broker=Broker(host, port)))


@pytest.mark.real
async def test_a_siren_gets_the_document_at_qos_1_and_the_broker_says_so(mosquitto: Mosquitto) -> None:
    channel = downlink(mosquitto.host, mosquitto.port)
    message = _fresh(notification(SMOKE))
    async with aiomqtt.Client(mosquitto.host, mosquitto.port, protocol=aiomqtt.ProtocolVersion.V5) as siren:
        await siren.subscribe(TOPIC, qos=1)
        assert await channel.send(message) == Handed(f"PUBACK for {TOPIC}"), "whether the siren sounds is its to say"
        async with asyncio.timeout(5):
            got = await anext(siren.messages)
    await channel.close()

    assert (str(got.topic), got.qos, got.retain) == (TOPIC, 1, False)
    assert isinstance(got.payload, bytes)
    document = msgspec.json.decode(got.payload)
    assert (document["type"], document["data"]["notification"]) == ("incident.raised", message.id)
    expiry_s = vars(got.properties)["MessageExpiryInterval"]
    assert 86_390 <= expiry_s <= 86_400, "an old alarm must not sound next week"


@pytest.mark.real
async def test_a_broker_that_was_restarted_is_reached_again_by_the_next_message(mosquitto: Mosquitto) -> None:
    channel = downlink(mosquitto.host, mosquitto.port)
    await channel.send(_fresh(notification(SMOKE)))
    await asyncio.to_thread(mosquitto.restart)
    async with asyncio.timeout(10):
        handed = await channel.send(_fresh(notification(SMOKE, offset=2)))
    assert handed.detail == f"PUBACK for {TOPIC}"
    await channel.close()


@pytest.mark.real
async def test_many_at_once_share_one_connection(mosquitto: Mosquitto) -> None:
    channel = downlink(mosquitto.host, mosquitto.port)
    messages = [_fresh(notification(SMOKE, offset=n)) for n in range(50)]
    receipts = await asyncio.gather(*(channel.send(message) for message in messages))
    await channel.close()
    assert len(receipts) == 50
    assert mosquitto.log.read_text("utf-8").count("New client connected") == 1


async def test_a_broker_that_is_not_there_is_tried_again() -> None:
    channel = downlink("127.0.0.1", free_port())
    for _ in range(2):
        with pytest.raises(DeliveryError) as failed:
            await channel.send(notification())
        assert failed.value.retry
    await channel.close()


async def test_an_attempt_given_up_on_leaves_nothing_behind() -> None:
    async with receiver(HANG) as silent:  # a server that is no broker: it waits for HTTP
        channel = downlink("127.0.0.1", silent.port)
        for _ in range(2):  # the second waits for the connection that the first began
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await channel.send(notification())
        assert silent.connections == 1
        async with asyncio.timeout(3):
            await channel.close()


async def test_a_broker_that_does_not_answer_is_left_before_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "TIMEOUT_S", 0.2)
    async with receiver(HANG) as silent:
        channel = downlink("127.0.0.1", silent.port)
        for n in range(1, 3):
            with pytest.raises(DeliveryError) as failed:
                await channel.send(notification())
            assert failed.value.retry
            assert silent.connections == n
            await until(lambda: not silent.under_way)
        await channel.close()


async def test_a_name_that_is_no_topic_level_is_refused_for_good() -> None:
    device = replace(Device("shuibei", "a", Kind.SMOKE, "smoke"), name="a/#")
    message = msgspec.structs.replace(notification(), incident=raised(SMOKE, device=device).incident)
    channel = downlink("127.0.0.1", 1)
    with pytest.raises(DeliveryError, match="the device cannot be a level") as failed:
        await channel.send(message)
    assert not failed.value.retry


@pytest.mark.real
async def test_a_watch_gets_what_is_for_its_wearer_wherever_the_danger_is(mosquitto: Mosquitto) -> None:
    channel = downlink(mosquitto.host, mosquitto.port, "vigil/v1/{address}/cmd")
    message = _fresh(notification(SMOKE, address="shuibei/watch-12"))
    async with aiomqtt.Client(mosquitto.host, mosquitto.port, protocol=aiomqtt.ProtocolVersion.V5) as watch:
        await watch.subscribe("vigil/v1/shuibei/watch-12/cmd", qos=1)
        await channel.send(message)
        async with asyncio.timeout(5):
            await anext(watch.messages)
    await channel.close()


@pytest.mark.parametrize("address", ["", "a//b", "shuibei/#", "+/watch", "/a"])
async def test_an_address_that_is_no_device_is_refused_for_good(address: str) -> None:
    channel = downlink("127.0.0.1", 1, "vigil/v1/{address}/cmd")
    with pytest.raises(DeliveryError, match="the address cannot be a level") as failed:
        await channel.send(notification(SMOKE, address=address))
    assert not failed.value.retry


async def test_what_the_topic_does_not_name_need_not_fit_into_it() -> None:
    channel = downlink("127.0.0.1", free_port(), "siren/{site}")
    with pytest.raises(DeliveryError) as failed:
        await channel.send(notification(SMOKE, recipient="a/b#c"))
    assert failed.value.retry, "there is no broker: that is all"
    await channel.close()

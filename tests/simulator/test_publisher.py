"""The simulation on a real mosquitto. The clock is the test's: a minute of an incident passes in two seconds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiomqtt
import pytest

from devices.profile_loader import load_profiles
from simulator import BrokerAddress, ScenarioKind, ScenarioPlan, shuibei_fleet, simulate
from tests.simulator.findings import found, parsed, plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from simulator import SimulationReport, Truth
    from tests.support.broker import Mosquitto

pytestmark = pytest.mark.real

FLEET = shuibei_fleet(seed=1, extended=True)
PROFILES = load_profiles()
PROFILE_OF = {device.key: PROFILES[device.profile] for device in FLEET.devices}
DEADLINE_S = 20
SOS = ScenarioPlan(kinds=(ScenarioKind.ELDER_SOS,), first_s=(1.0, 1.0), every_s=None)


def fast_clock(times: float) -> Callable[[], int]:
    """Return a clock that begins now and runs `times` as fast."""
    began = time.time_ns()
    return lambda: int(began + (time.time_ns() - began) * times) // 1000


@asynccontextmanager
async def simulated(
    broker: Mosquitto, plan: ScenarioPlan, *, times: float
) -> AsyncIterator[asyncio.Task[SimulationReport]]:
    stop = asyncio.Event()
    address = BrokerAddress(broker.host, broker.port)
    task = asyncio.create_task(simulate(FLEET, address, stop=stop, seed=1, scenarios=plan, clock_us=fast_clock(times)))
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait_for(task, DEADLINE_S)


async def test_what_a_subscriber_hears_is_what_the_truth_says(mosquitto: Mosquitto) -> None:
    heard: list[tuple[str, bytes]] = []
    begun: list[Truth] = []
    clock_us = fast_clock(times=30)
    began_us = clock_us()
    stop = asyncio.Event()
    async with aiomqtt.Client(mosquitto.host, mosquitto.port) as service, asyncio.timeout(DEADLINE_S):
        await service.subscribe("vigil/v1/#", qos=1)
        running = asyncio.create_task(
            simulate(
                FLEET,
                BrokerAddress(mosquitto.host, mosquitto.port),
                stop=stop,
                seed=1,
                scenarios=ScenarioPlan(every_s=None),
                on_truth=begun.append,
                clock_us=clock_us,
            )
        )
        async for message in service.messages:
            assert message.qos == 1
            assert isinstance(message.payload, bytes)
            heard.append((str(message.topic), message.payload))
            if clock_us() > began_us + 300_000_000:
                break
        stop.set()
        report = await running
    assert tuple(begun) == report.truths
    assert [truth.kind for truth in begun] == [kind.value for kind in ScenarioKind]
    expected = plain((pair for truth in begun for pair in truth.expected), PROFILE_OF)
    assert found(parsed(heard), PROFILE_OF) == expected
    assert {device for device, _, _, _ in parsed(heard)} == {device.key for device in FLEET.devices}
    assert report.published > len(FLEET)
    assert report.repeats > 0
    assert report.receipts == 0


async def test_a_receipt_stops_the_repeating(mosquitto: Mosquitto) -> None:
    async with (
        aiomqtt.Client(mosquitto.host, mosquitto.port) as service,
        asyncio.timeout(DEADLINE_S),
    ):
        await service.subscribe("vigil/v1/+/+/alarm", qos=1)
        alarms = []
        async with simulated(mosquitto, SOS, times=20) as running:
            async for message in service.messages:
                assert isinstance(message.payload, bytes)
                alarms.append(message.payload)
                if len(alarms) == 3:
                    break
            receipt = {"received": 0, "ts": json.loads(alarms[0])["ts"]}
            await service.publish(str(message.topic).replace("/alarm", "/ack"), json.dumps(receipt), qos=1)
            with contextlib.suppress(TimeoutError):  # four times what its repeating takes on this clock
                async with asyncio.timeout(2):
                    async for message in service.messages:
                        assert isinstance(message.payload, bytes)
                        alarms.append(message.payload)
        report = await running
    assert len(set(alarms)) == 1
    assert len(alarms) <= 4
    assert report.receipts == 1
    assert report.alarms == len(alarms)


async def test_it_comes_back_when_the_broker_does_and_an_alarm_is_not_lost(mosquitto: Mosquitto) -> None:
    async with asyncio.timeout(DEADLINE_S), simulated(mosquitto, SOS, times=10) as running:
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as service:
            await service.subscribe("vigil/v1/+/+/alarm", qos=1)
            first = await anext(aiter(service.messages))
        await asyncio.to_thread(mosquitto.restart)
        async with aiomqtt.Client(mosquitto.host, mosquitto.port) as service:
            await service.subscribe("vigil/v1/+/+/alarm", qos=1)
            again = await anext(aiter(service.messages))
    report = await running
    assert again.payload == first.payload
    assert report.reconnects >= 1

"""`make bench`: throughput, cost, latency and memory, in one run on this machine; the last line is JSON.

(a) what a bare QoS 1 consumer on the same codec drains from the broker: the ceiling;
(b) what Vigil drains to the archive's commit, with its default rules;  (c) its CPU per message;
(d) from publish to webhook, idle and while messages come at half the rate of (b);
(e) memory with 100,000 devices registered, and start to ready on that database;
(f) the rule engine alone, with all default rules;  (g) a month of quiet and the labelled incidents through it;
(h) messages a second to an HTTP gateway;  (i) ten thousand incidents in ten seconds, without a database;
(j) readings a second into PostgreSQL, and what each takes there and in TimescaleDB;  (k) how long the database takes
for each panel of the boards, of a month of 100,000 channels (some minutes to fill it, and 15 GB).
Broker, database, publisher, receivers and service share this machine, in (a) as in (b).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import aiomqtt
import numpy as np
import uvloop
from rich.console import Console
from rich.table import Table

from bench.stand import Hook, Service, free_port, run_module
from devices import Device, Kind
from service.embedded_broker import BrokerKind, EmbeddedBroker
from simulator import synthetic_fleet
from storage.embedded import EmbeddedPostgres

LOAD_DEVICES = 2_000
METRICS = 4
WARM_UP = 30_000
ALARMS = 300
ALARM_EVERY_S = 0.03
MANY_DEVICES = 100_000
SETTLE_S = 10.0
"""For the archive to take up what is new, and unused memory to go back."""

_notes = Console(stderr=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=300_000, help="messages a throughput run (default 300,000)")
    parser.add_argument("--runs", type=int, default=3, help="throughput runs; medians are printed (default 3)")
    parser.add_argument("--without-panels", action="store_true", help="leave out (k)")
    options = parser.parse_args()
    figures = uvloop.run(measure(options.messages, options.runs))
    figures |= uvloop.run(of_rules())
    figures |= uvloop.run(of_alerts())
    figures |= uvloop.run(of_storage(with_panels=not options.without_panels))
    show(figures, options.messages, options.runs)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


async def of_rules() -> dict[str, float]:
    """Return the figures of the engine and of the scenarios, each in a process of its own."""
    _notes.print("the rule engine …")
    engine = await run_module("bench.engine")
    _notes.print("a month of quiet, and the labelled incidents …")
    return engine | await run_module("bench.scenarios")


async def of_alerts() -> dict[str, float]:
    """Return the figures of the fan-out and of the storms, each in a process of its own."""
    _notes.print("the fan-out to a gateway …")
    fanout = await run_module("bench.fanout")
    fanout |= await run_module("bench.isolation")
    _notes.print("two storms of ten thousand incidents, the database down …")
    return fanout | await run_module("bench.storm")


async def of_storage(*, with_panels: bool) -> dict[str, float]:
    """Return the figures of the archive, of compression and of the boards, each in a process of its own."""
    _notes.print("the archive alone …")
    figures = await run_module("bench.archive")
    _notes.print("compression …")
    figures |= await run_module("bench.compression")
    if with_panels:
        _notes.print("the boards on a month of 100,000 channels …")
        figures |= await run_module("bench.panels")
    return figures


async def measure(messages: int, runs: int) -> dict[str, float]:
    """Return every figure by its key in the JSON line."""
    with tempfile.TemporaryDirectory(prefix="vigil-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the database's user must reach its own folder in it
        database = EmbeddedPostgres(directory / "postgres")
        await asyncio.to_thread(database.start)
        broker = EmbeddedBroker(directory / "broker", port=free_port(), kind=BrokerKind.MOSQUITTO)
        await broker.start()
        try:
            async with Hook().listening() as hook:
                return await _measure(directory, broker.port, database, hook, messages, runs)
        finally:
            await broker.stop()
            await asyncio.to_thread(database.stop)


async def _measure(
    directory: Path, broker_port: int, database: EmbeddedPostgres, hook: Hook, messages: int, runs: int
) -> dict[str, float]:
    service = Service(directory / "service", broker_port, database.dsn(), hook.port, free_port())
    try:
        await service.start()
        smoke = [Device("latency", f"smoke-{i}", Kind.SMOKE, "smoke") for i in range(2 * runs * ALARMS)]
        await service.register([*synthetic_fleet(LOAD_DEVICES, site="load").devices, *smoke])
        await service.stop()

        ceilings, bare_costs, drained, costs = [], [], [], []
        for run in range(runs):
            _notes.print(f"run {run + 1} of {runs}: bare consumer …")
            rate, cost = await ceiling(broker_port, messages)
            ceilings.append(rate)
            bare_costs.append(cost)
            _notes.print(f"  {rate:,.0f} msg/s, {cost:.2f} µs CPU a message; Vigil …")
            await service.start()
            rate, cost = await drain(service, broker_port, messages)
            drained.append(rate)
            costs.append(cost)
            _notes.print(f"  {rate:,.0f} msg/s to the archive's commit, {cost:.2f} µs CPU a message")
            await service.stop()

        drained_msg_s = statistics.median(drained)
        await service.start()
        _notes.print("the disk …")
        syncs = await asyncio.to_thread(sync_times_ms, directory / "sync")
        _notes.print("latency, idle …")
        names = [device.name for device in smoke]
        parts = [names[start : start + ALARMS] for start in range(0, len(names), ALARMS)]
        idle = [await latencies_ms(broker_port, hook, part) for part in parts[:runs]]
        _notes.print("latency, at half of that rate …")
        rate = int(drained_msg_s / 2)
        seconds = runs * (ALARMS * ALARM_EVERY_S + 1) + 3
        load = asyncio.create_task(publish_load(broker_port, int(rate * seconds), rate))
        await asyncio.sleep(2)
        loaded = [await latencies_ms(broker_port, hook, part) for part in parts[runs:]]
        _notes.print(f"  {(await load)['rate_msg_s']:,.0f} msg/s of {rate:,} wanted")
        _notes.print(f"{MANY_DEVICES:,} devices …")
        await service.register(synthetic_fleet(MANY_DEVICES, site="city").devices)
        await asyncio.sleep(SETTLE_S)
        registered = service.resident_mb()
        await service.stop()
        start_ready_s = await service.start()
        await asyncio.sleep(SETTLE_S)
        restarted = service.resident_mb()
        return {
            "broker_ceiling_msg_s": statistics.median(ceilings),
            "broker_ceiling_cpu_us_per_msg": statistics.median(bare_costs),
            "drained_msg_s": drained_msg_s,
            "ratio": statistics.median(d / c for d, c in zip(drained, ceilings, strict=True)),
            "cpu_us_per_msg": statistics.median(costs),
            "fsync_p99_ms": float(np.percentile(syncs, 99)),
            "alarm_p50_ms": median_percentile(idle, 50),
            "alarm_p99_ms": median_percentile(idle, 99),
            "alarm_p50_ms_loaded": median_percentile(loaded, 50),
            "alarm_p99_ms_loaded": median_percentile(loaded, 99),
            "rss_mb_100k_devices": restarted,
            "rss_mb_100k_devices_just_registered": registered,
            "start_ready_s": start_ready_s,
        }
    finally:
        await service.stop()


async def ceiling(port: int, messages: int) -> tuple[float, float]:
    """Return what the bare consumer drains, messages/s, and its CPU µs a message."""
    consumer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare_consumer", "--port", str(port), "--count", str(messages),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert consumer.stdout is not None
    try:
        await consumer.stdout.readline()
        await publish_load(port, messages)
        result = json.loads(await asyncio.wait_for(consumer.stdout.readline(), 60))
        await consumer.wait()
    finally:
        if consumer.returncode is None:
            consumer.kill()
    return result["messages"] / result["seconds"], result["cpu_s"] / result["messages"] * 1e6


async def drain(service: Service, port: int, messages: int) -> tuple[float, float]:
    """Return messages/s from the first publish to the archive's commit of the last, and CPU µs a message."""
    # A fresh process first learns its devices' messages; what is measured is what it does from then on.
    await publish_load(port, WARM_UP)
    await service.archived_reaches(WARM_UP * METRICS)
    before = await service.archived()
    cpu = service.cpu_s()
    started = time.monotonic()
    load = asyncio.create_task(publish_load(port, messages))
    ended = await service.archived_reaches(before + messages * METRICS)
    await load
    return messages / (ended - started), (service.cpu_s() - cpu) / messages * 1e6


async def publish_load(port: int, messages: int, rate: int = 0) -> dict[str, float]:
    """Publish from a process of its own; return its report."""
    words = ["--host", "127.0.0.1", "--port", str(port), "--devices", str(LOAD_DEVICES), "--count", str(messages)]
    return await run_module("simulator.load", *words, *(["--rate", str(rate)] if rate else []), "--json")


async def latencies_ms(port: int, hook: Hook, names: list[str]) -> list[float]:
    """Publish one alarm each for `names`; return the milliseconds until each webhook call, sorted."""
    published: dict[str, float] = {}
    async with aiomqtt.Client("127.0.0.1", port, identifier=f"bench-{os.getpid()}") as client:
        for name in names:
            due = time.monotonic() + ALARM_EVERY_S
            published[f"latency/{name}"] = time.monotonic()
            await client.publish(f"vigil/v1/latency/{name}/alarm", b'{"smoke": 1}', qos=1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
    async with asyncio.timeout(30):
        while not published.keys() <= hook.arrived.keys():
            await asyncio.sleep(0.01)
    return sorted((hook.arrived[device] - at) * 1e3 for device, at in published.items())


def median_percentile(runs_ms: list[list[float]], percent: float) -> float:
    """Return the median over the runs of a percentile of each, ms."""
    return statistics.median(float(np.percentile(run, percent)) for run in runs_ms)


def sync_times_ms(file: Path) -> list[float]:
    """Return how long the disk takes to make 4 KiB durable, as often as there are alarms: their lower bound, ms."""
    times_ms: list[float] = []
    with file.open("wb", buffering=0) as disk:
        for _ in range(ALARMS):
            disk.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(disk.fileno())
            times_ms.append((time.perf_counter() - began) * 1e3)
            time.sleep(ALARM_EVERY_S)
    return times_ms


def show(figures: dict[str, float], messages: int, runs: int) -> None:
    """Print the figures for a person."""
    table = Table(title=f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; medians of {runs} runs "
                        f"of {messages:,} messages of {METRICS} values; {ALARMS} alarms a run")  # fmt: skip
    table.add_column("figure")
    table.add_column("measured", justify="right")
    table.add_column("to reach", justify="right")
    for name, title, form, goal in _ROWS:
        if name not in figures:
            continue
        table.add_row(title, form.format(figures[name]), goal)
    Console().print(table)


_ROWS = (
    ("broker_ceiling_msg_s", "bare QoS 1 consumer, msg/s", "{:,.0f}", ""),
    ("broker_ceiling_cpu_us_per_msg", "its CPU, µs a message", "{:.2f}", ""),
    ("drained_msg_s", "Vigil to archive commit, msg/s", "{:,.0f}", ""),
    ("ratio", "ratio", "{:.2f}", "≥ 0.6"),
    ("cpu_us_per_msg", "service CPU, µs a message", "{:.2f}", "≤ 8"),
    ("fsync_p99_ms", "the disk's own fdatasync of 4 KiB, p99 ms", "{:.1f}", ""),
    ("alarm_p50_ms", "publish to webhook idle, p50 ms", "{:.1f}", ""),
    ("alarm_p99_ms", "publish to webhook idle, p99 ms", "{:.1f}", "≤ 100"),
    ("alarm_p50_ms_loaded", "publish to webhook loaded, p50 ms", "{:.1f}", ""),
    ("alarm_p99_ms_loaded", "publish to webhook loaded, p99 ms", "{:.1f}", "≤ 250"),
    ("rss_mb_100k_devices", f"resident with {MANY_DEVICES:,} devices, MB", "{:,.0f}", "≤ 400"),
    ("rss_mb_100k_devices_just_registered", "the same, just after their ledger was imported, MB", "{:,.0f}", ""),
    ("start_ready_s", f"start to ready, {MANY_DEVICES:,} devices, s", "{:.2f}", "≤ 5"),
    ("engine_readings_s", "engine, 100,000 channels, blocks of 5,000, readings/s", "{:,.0f}", "≥ 4,000,000"),
    ("engine_readings_s_packed", "the same, 50 samples of a channel in a block, readings/s", "{:,.0f}", "≥ 1,500,000"),
    ("engine_step_us_1k", "the same, a block of 1,000, µs", "{:,.0f}", "≤ 400"),
    ("engine_ns_a_reading_1000", "a reading of 1,000 channels, ns", "{:,.0f}", ""),
    ("engine_ns_a_reading_1000000", "a reading of 1,000,000 channels, ns", "{:,.0f}", "flat within 25 %"),
    ("engine_state_bytes_a_channel", "state, bytes a channel", "{:,.0f}", "≤ 400"),
    ("engine_snapshot_ms", "snapshot of 1,000,000 channels, ms", "{:,.0f}", "≤ 1,000"),
    ("engine_restore_ms", "their restore, ms", "{:,.0f}", "≤ 2,000"),
    ("scenarios_incidents", "labelled incidents", "{:,.0f}", ""),
    ("scenarios_found", "found in time", "{:,.0f}", "all"),
    ("fanout_msgs_s", "fan-out to a local HTTP gateway, messages/s", "{:,.0f}", "≥ 1,000"),
    ("isolation_alone_p99_ms", "owed to handed over, a gateway that is well, alone, p99 ms", "{:.1f}", ""),
    (
        "isolation_beside_broken_channels_p99_ms",
        "the same beside three that hang, fail and refuse, p99 ms",
        "{:.1f}",
        "as alone",
    ),
    ("isolation_beside_hung_person_p99_ms", "the same for others than one who hangs, p99 ms", "{:.1f}", "as alone"),
    ("storm_first_notice_p99_s", "storm, each by itself: alarm to first notice handed over, p99 s", "{:.2f}", "≤ 5"),
    ("storm_first_notice_max_s", "the same, the last one, s", "{:.2f}", "≤ 5"),
    ("storm_digest_notice_p99_s", "storm to few people, in digests, p99 s", "{:.2f}", "≤ 5"),
    ("storm_told_ratio", "incidents told of", "{:.4f}", "1"),
    ("storm_cpu_ms_per_incident", "service CPU, ms an incident", "{:.2f}", ""),
    ("storm_rss_grown_mb", "memory grown in the storm, MB", "{:,.0f}", "bounded"),
    ("archive_rows_s", "archive alone, unique key, readings/s", "{:,.0f}", "≥ 200,000"),
    ("archive_bytes_a_reading", "a reading in PostgreSQL, index and all, bytes", "{:.0f}", ""),
    ("compressed_bytes_a_reading", "a reading in TimescaleDB's columnstore, bytes", "{:.1f}", ""),
    ("panels", "queries of boards asked", "{:,.0f}", ""),
    ("panels_p95_s", "the slowest of them, a month of 100,000 channels, p95 s", "{:.2f}", "≤ 1"),
    ("panels_p95_median_s", "the median of them, p95 s", "{:.3f}", ""),
    ("scenarios_false_alarms_per_1000_devices_month", "false alarms of 1,000 devices a month", "{:,.1f}", ""),
)

if __name__ == "__main__":
    main()

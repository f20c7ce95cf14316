"""`vigil run | demo | simulate | check-config`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import uvloop

from service.check import check_settings, faults_of
from service.cli.client import ConfigOption, DataDirOption
from service.demo import run_demo
from service.logs import configure_logs
from service.sections import LogSection
from service.service import serve
from service.settings import SettingsFaults, default_data_dir, load_settings
from simulator import BrokerAddress, SimulationReport, shuibei_fleet, simulate, truth_table
from simulator.load import LoadPlan, LoadReport, load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["add_to"]

BrokerOption = Annotated[str, typer.Option("--broker", help="HOST or HOST:PORT of the MQTT 5 broker.")]
SeedOption = Annotated[int, typer.Option("--seed", help="Another seed, another community.")]
SpeedOption = Annotated[float, typer.Option("--speed", min=0.01, help="How much faster than life.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands of this file into `app`."""
    for name, command in (
        ("run", run), ("demo", demo), ("simulate", simulate_), ("check-config", check_config),
    ):  # fmt: skip
        app.command(name)(command)


def run(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Run the service until SIGTERM or Ctrl-C."""
    given: dict[str, Any] = {} if data_dir is None else {"data_dir": data_dir}
    settings = load_settings(config, **given)
    configure_logs(settings.log)
    faults = faults_of(settings)
    if faults:
        raise SettingsFaults(faults)
    _until_stopped(lambda stop: serve(settings, stop))


def demo(
    data_dir: Annotated[Path | None, typer.Option(help="Where the demo keeps its data.")] = None,
    port: Annotated[int, typer.Option(help="The broker's port; if taken, another that it says.")] = 1883,
    http_port: Annotated[int, typer.Option(help="The port of /metrics; 0 for any.")] = 0,
    console_port: Annotated[int, typer.Option(help="The port that links lead to; if taken, another.")] = 9465,
    seed: SeedOption = 2026,
    speed: SpeedOption = 1.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw away what an earlier demo left.")] = False,
) -> None:
    """Run broker, database, service and a simulated community of some 1,060 sensors, and tell what happens."""
    configure_logs(LogSection(level="warning"))
    folder = data_dir or default_data_dir() / "demo"
    _until_stopped(
        lambda stop: run_demo(
            folder,
            stop,
            port=port,
            http_port=http_port,
            console_port=console_port,
            seed=seed,
            speed=speed,
            fresh=fresh,
        )
    )


def simulate_(
    broker: BrokerOption = "127.0.0.1:1883",
    seed: SeedOption = 2026,
    speed: SpeedOption = 1.0,
    truth: Annotated[bool, typer.Option("--truth", help="Print what will happen, where and when, and exit.")] = False,
    scenarios: Annotated[bool, typer.Option(help="With incidents, or routine readings alone.")] = True,
    devices: Annotated[int, typer.Option(help="Load mode: this many made-up devices instead of Shuibei.")] = 0,
    rate: Annotated[float, typer.Option(help="Load mode: messages/s; 0 is as fast as the broker takes them.")] = 0,
    seconds: Annotated[float, typer.Option(help="Load mode: how long.")] = 10,
) -> None:
    """Publish what a community of sensors would; or, with --devices, load."""
    configure_logs(LogSection(level="info"))
    host, _, port = broker.rpartition(":") if ":" in broker else (broker, "", "1883")
    address = BrokerAddress(host=host, port=int(port))
    if devices:
        plan = LoadPlan(devices=devices, rate=rate or None, seconds=seconds)
        _tell(uvloop.run(load(address, plan, progress=_tell_progress)))
        return
    fleet = shuibei_fleet(seed, extended=True)
    if truth:
        typer.echo(truth_table(fleet, seed))
        return

    async def publish(stop: asyncio.Event) -> None:
        _tell(await simulate(fleet, address, seed=seed, speed=speed, scenarios=scenarios, stop=stop))

    _until_stopped(publish)


def _tell_progress(sent: int, acknowledged: int) -> None:
    typer.echo(f"sent {sent:,}, acknowledged {acknowledged:,}", err=True)


def _tell(report: LoadReport | SimulationReport) -> None:
    for field in fields(report):
        value = getattr(report, field.name)
        if not isinstance(value, tuple):
            typer.echo(f"{field.name:20} {value:,}" if isinstance(value, int | float) else f"{field.name:20} {value}")


def check_config(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Name every fault of the settings, profiles, rules and ledger; exit 2 if there is one."""
    faults, summary = check_settings(config)
    if as_json:
        typer.echo(json.dumps({"faults": faults, "summary": summary}, ensure_ascii=False, indent=2))
    else:
        for fault in faults:
            typer.secho(fault, err=True, fg=typer.colors.RED)
        typer.echo(f"{len(faults)} faults" if faults else "No faults.")
        for line in summary:
            typer.echo(f"  {line}")
    if faults:
        sys.exit(2)


def _until_stopped(main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
    """Run `main` with an event that SIGTERM and Ctrl-C set; a second Ctrl-C ends at once.

    A callback that raises is a bug like any other: it is raised here, where asyncio would only log it.
    """

    async def with_signals() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        running = asyncio.current_task()
        bugs: list[BaseException] = []

        def note(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
            loop.default_exception_handler(context)
            bug = context.get("exception")
            if bug is not None and "handle" in context and running is not None:
                bugs.append(bug)
                running.cancel()

        loop.set_exception_handler(note)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, stop, loop, number)
        try:
            await main(stop)
        except asyncio.CancelledError:
            if bugs:
                raise bugs[0] from None
            raise

    uvloop.run(with_signals())


def _stop(stop: asyncio.Event, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
    stop.set()
    loop.remove_signal_handler(number)

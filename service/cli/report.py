"""The report of a response, as a person reads it; `alerts.drill_report` makes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import typer
from rich.text import Text

from alerts.text import span
from service.cli.screen import clock, new_table, screen

__all__ = ["print_report"]

_DONE: Final = {
    "accepted": "took it up",
    "help_wanted": "wants help",
    "handed_over": "handed it over",
    "dispatched": "sent somebody",
    "arrived": "arrived",
    "verified": "verified it",
    "resolved": "resolved it",
    "refused": "refused",
}
_SAID: Final = {**_DONE, "raised": "raised", "reopened": "raised again", "cleared": "cleared by itself"}
"""In place of the whole story, which every message tells."""
_LEFT_OUT: Final = {"held", "digested"}
_COLOURS: Final = {"none": "green", "blue": "blue", "yellow": "yellow", "red": "bold red"}
_LOST: Final = {"failed", "unknown", "expired", "withdrawn"}
TENTHS_BELOW_S: Final = 60


def print_report(report: dict[str, Any]) -> None:
    """Print the report, the JSON of `alerts.drill_report.ResponseReport`, on the terminal."""
    _print_head(report)
    _print_people(report)
    _print_told(report)
    _print_stages(report)
    _print_course(report)
    if report["silent"]:
        said = "never answered" if report["ended_us"] is not None else "have not answered"
        typer.secho(f"{said}: {', '.join(report['silent'])}", fg=typer.colors.YELLOW)
    elif not report["people"]:
        typer.secho("nobody was asked: `vigil who` says whom a chain would reach", fg=typer.colors.YELLOW)
    if report["missing"]:
        typer.secho(f"{report['missing']} older lines are no more at hand; the archive has them.", err=True)


def _print_head(report: dict[str, Any]) -> None:
    what = {"drill": "DRILL 演练", "synthetic": "self-test"}.get(report["exercise"] or "", "incident")
    name = f"{report['rule_name_en']} {report['rule_name_zh']}"
    typer.secho(f"{report['incident']}  {what}: {name}, {report['place']} ({report['device']})", bold=True)
    begun = f" by {report['begun_by']}" if report["begun_by"] else ""
    if report["ended_us"] is None:
        state = f"under way: {report['state']}"
    else:
        state = f"{report['state']} {clock(report['ended_us'])} by {report['ended_by'] or 'itself'}"
    typer.echo(f"raised {clock(report['raised_us'])}{begun}, {state}")
    first = report["first"]
    if first is None:
        typer.secho("nobody has taken it up", fg=typer.colors.RED)
    else:
        typer.echo(f"first: {first['person']}, {_length(first['after_s'])} after it was raised, by {first['via']}")


def _print_people(report: dict[str, Any]) -> None:
    if not report["people"]:
        return
    table = new_table("person", "asked by", "asked", "handed", "received", "answered", "what came of it")
    for person in report["people"]:
        outcome = _outcome(person)
        if not person["tries"]:
            answered = "" if person["answered_us"] is None else _time(person["answered_us"])
            table.add_row(person["person"], "not asked", "", "", "", answered, outcome)
        for nth, tried in enumerate(person["tries"]):
            is_last = nth + 1 == len(person["tries"])
            table.add_row(
                "" if nth else person["person"],
                tried["channel"],
                _time(tried["asked_us"]),
                _handed(tried),
                _time(tried["received_us"]),
                _time(person["answered_us"]) if is_last else "",
                outcome if is_last else "",
            )
    screen().print(table)


def _handed(tried: dict[str, Any]) -> Text:
    if tried["handed_us"] is not None:
        return Text(_time(tried["handed_us"]))
    if tried["status"] in _LOST:
        return Text(tried["status"], style="yellow" if tried["status"] == "withdrawn" else "red")
    return Text("not yet", style="cyan")


def _outcome(person: dict[str, Any]) -> Text:
    if person["answer"] is None:
        if person["unreached"]:
            return Text("not reached: no channel left", style="red")
        return Text(f"no answer in {_length(person['after_s'] or 0)}", style="yellow")
    said = _DONE.get(person["answer"], person["answer"])
    after = "" if person["after_s"] is None else f" after {_length(person['after_s'])}"
    return Text(f"{said}{after}", style="yellow" if person["answer"] == "refused" else "green")


def _print_told(report: dict[str, Any]) -> None:
    if report["told"]:
        told = [
            f"{one['recipient']} by {one['channel']} ({one['arrived']} of {one['messages']} arrived)"
            for one in report["told"]
        ]
        typer.echo(f"told, without being asked: {', '.join(told)}")


def _print_stages(report: dict[str, Any]) -> None:
    table = new_table("step", "took", "limit", "")
    for stage in report["stages"]:
        limit = "" if stage["limit_s"] is None else span(stage["limit_s"]).en
        late = stage["limit_s"] is not None and stage["took_s"] > stage["limit_s"]
        said = "not done" if stage["ended_us"] is None else ""
        table.add_row(
            stage["stage"],
            Text(_length(stage["took_s"]), style=_COLOURS[stage["colour"]]),
            limit,
            ", ".join(filter(None, [said, "too late" if late else ""])),
        )
    screen().print(table)


def _print_course(report: dict[str, Any]) -> None:
    table = new_table("after", "", "what was done")
    for line in report["course"]:
        if line["kind"] not in _LEFT_OUT:
            table.add_row(_length(line["after_s"]), line["who"], _SAID.get(line["kind"], line["text_en"]))
    screen().print(table)


def _time(us: int | None) -> str:
    return "" if us is None else datetime.fromtimestamp(us / 1e6, UTC).astimezone().strftime("%H:%M:%S")


def _length(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < TENTHS_BELOW_S else span(seconds).en

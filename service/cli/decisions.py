"""What a person says about an incident, a command each of `vigil incidents`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from alerts import Outcome
from service.cli.client import ConfigOption, DataDirOption, ask, origin, settings_for, whoami

__all__ = ["IncidentArgument", "add_to"]

IncidentArgument = Annotated[str, typer.Argument(help="The incident's id, as `vigil incidents list` shows it.")]
ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; your user name unless given.")]
NoteOption = Annotated[str, typer.Option("--note", help="What the timeline should say.")]

_WORDLESS = {
    "accept": "Say that somebody is on it.",
    "ack": "The same as accept.",
    "refuse": "Say that somebody cannot take it, or gives it back.",
    "help-wanted": "Say that somebody is on it and needs more people.",
    "need-help": "The same as help-wanted.",
    "arrive": "Say that somebody is there.",
    "reopen": "Open it again, and tell everybody again.",
}
"""Verbs that need no more than the incident."""
_ALIASES = {"ack", "need-help"}


def add_to(app: typer.Typer) -> None:
    """Add a command for each thing that can be said."""
    for verb, what in _WORDLESS.items():
        app.command(verb, help=what, hidden=verb in _ALIASES)(_wordless(verb))
    for verb, function in (
        ("hand-over", hand_over),
        ("dispatch", dispatch),
        ("verify", verify),
        ("resolve", resolve),
        ("close", close),
        ("note", note),
    ):
        app.command(verb)(function)


def _wordless(verb: str) -> Any:
    def say(
        incident: IncidentArgument,
        by: ByOption = None,
        note: NoteOption = "",
        config: ConfigOption = None,
        data_dir: DataDirOption = None,
    ) -> None:
        _decide(verb, incident, by, note, config, data_dir)

    return say


def hand_over(
    incident: IncidentArgument,
    to: Annotated[str, typer.Argument(help="Who is asked to take it over; you have it until they accept.")],
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Ask somebody else to take it over."""
    _decide("hand-over", incident, by, note, config, data_dir, to=to)


def dispatch(
    incident: IncidentArgument,
    to: Annotated[str, typer.Option("--to", help="The team or station that is on its way.")] = "",
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Say that somebody is on the way."""
    _decide("dispatch", incident, by, note, config, data_dir, to=to)


def verify(
    incident: IncidentArgument,
    outcome: Annotated[Outcome, typer.Argument(help="What it is.")],
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Say what somebody found; it stays open."""
    _decide("verify", incident, by, note, config, data_dir, outcome=outcome)


def resolve(
    incident: IncidentArgument,
    outcome: Annotated[Outcome | None, typer.Argument(help="What it was; needed unless it is verified.")] = None,
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Say that it is dealt with, and what it was."""
    _decide("resolve", incident, by, note, config, data_dir, outcome=outcome)


def close(
    incident: IncidentArgument,
    rating: Annotated[int, typer.Argument(help="How it went: 1 (bad) to 5.")],
    by: ByOption = None,
    note: NoteOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Rate how it went; nothing is left to do."""
    _decide("close", incident, by, note, config, data_dir, rating=rating)


def note(
    incident: IncidentArgument,
    text: Annotated[str, typer.Argument(help="What the timeline should say.")],
    by: ByOption = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a remark."""
    _decide("note", incident, by, text, config, data_dir)


def _decide(verb: str, incident: str, by: str | None, note: str, *where: Any, **words: object) -> None:
    decision: dict[str, object] = {"by": by or whoami(), "origin": origin(), "note": note}
    decision |= {name: value for name, value in words.items() if value is not None}
    settings = settings_for(*where)
    after = asyncio.run(ask(settings, "POST", f"/incidents/{incident.upper()}/{verb}", json=decision))
    typer.echo(f"{after['id']} {after['rule_name_en']} at {after['place']}: {after['state']}")
    if after["state"] == "resolved" and after["condition_holds"]:
        typer.secho("The condition still holds; it is told again if the device alarms again.", fg=typer.colors.YELLOW)

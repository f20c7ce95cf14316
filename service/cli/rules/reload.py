"""`vigil rules reload`: the running service goes over to the rules in its files."""

from __future__ import annotations

import asyncio

import typer

from service.cli.client import ConfigOption, DataDirOption, Unreachable, ask, settings_for
from service.control import is_served

__all__ = ["add_to"]

_TOLD = {
    "added": "new",
    "removed": "gone",
    "changed": "decide otherwise; what they had under way was begun anew",
    "reworded": "only say it otherwise; what they had under way goes on",
}


def add_to(app: typer.Typer) -> None:
    """Put the command into `app`."""
    app.command("reload")(reload)


def reload(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Let the running service read its profiles and rule files anew; with a fault in them, nothing changes.

    State of rules that decide as before goes on; what was reset is said. SIGHUP does the same.
    """
    settings = settings_for(config, data_dir)
    if not is_served(settings.data_dir):
        raise Unreachable(f"no service is running on {settings.data_dir}; the next start reads the files anyway")
    report = asyncio.run(ask(settings, "POST", "/rules/reload"))
    if report is None:
        typer.echo("The rules are as they were.")
        return
    for name, told in _TOLD.items():
        if report[name]:
            typer.echo(f"{len(report[name])} {told}: {', '.join(report[name])}")
    typer.echo(f"{report['kept']} under way go on, {report['reset']} were reset.")

"""`vigil rules`: check, explain, try on history, tune, reload, and see what shadow rules would have said."""

from __future__ import annotations

import typer

from service.cli.rules import backtest, check, explain, reload, shadow, tune

__all__ = ["app"]

app = typer.Typer(help="Check, explain, try and tune the rules.", no_args_is_help=True)
for part in (check, explain, backtest, tune, reload, shadow):
    part.add_to(app)

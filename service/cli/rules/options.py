"""The options that `backtest` and `tune` share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "CompleteOption",
    "FileOption",
    "FromOption",
    "LabelsOption",
    "LedgerOption",
    "OutOption",
    "ProfileOption",
    "SiteOption",
    "StepOption",
    "ToOption",
    "ToleranceOption",
]

FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", help="Since when: 2026-05-01, 2026-05-01T06:30, or '30 d' ago. Archive: 30 d ago; file: all."
    ),
]
ToOption = Annotated[str | None, typer.Option("--to", help="Until when, the end not included; now unless given.")]
SiteOption = Annotated[str, typer.Option("--site", help="Only the devices of this site.")]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        help="A .parquet, .csv or .csv.gz file with the columns time, device (site/name), metric, value, and perhaps "
        "arrival, instead of the archive.",
        dir_okay=False,
    ),
]
LedgerOption = Annotated[
    Path | None, typer.Option("--ledger", help="What the devices of the file are; that of the settings unless given.")
]
ProfileOption = Annotated[
    str | None, typer.Option("--profile", help="The profile of devices of the file that no ledger has.")
]
LabelsOption = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="What was really there: a .csv or .xlsx with the columns site, device, from, to, outcome (true, "
        "false_alarm, test) and perhaps rule. Archive: the outcomes of its incidents unless given.",
        dir_okay=False,
    ),
]
CompleteOption = Annotated[
    bool,
    typer.Option("--complete", help="The labels name every danger there was: an alarm about none of them is false."),
]
ToleranceOption = Annotated[
    float, typer.Option("--tolerance", min=0, help="How far an alarm may be from its label, s.")
]
StepOption = Annotated[
    float | None,
    typer.Option("--step", min=1, help="How often silence is looked at, s of the history's time; chosen by the rules."),
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Also write the report here: .html with plots, or .png.", dir_okay=False)
]

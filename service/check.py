"""`vigil check-config`: every fault of the settings and of the files they name, found without starting anything."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from devices import LedgerFaults, ProfileFaults, load_profiles, read_ledger
from rules import RuleFaults, load_rules
from service.service import broker_settings, make_channels
from service.settings import SettingsFaults, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from service.settings import Settings

__all__ = ["check_settings"]


def check_settings(file: Path | None) -> tuple[list[str], list[str]]:
    """Return every fault of the settings, and, where there is none, a few lines that sum them up."""
    try:
        settings = load_settings(file)
    except SettingsFaults as error:
        return error.faults, []
    faults: list[str] = []
    summary = [f"data in {settings.data_dir}", f"broker {settings.broker.host}:{settings.broker.port}"]
    summary += _check_devices(settings, faults)
    if _check_broker(settings, faults):
        summary += _check_recipients(settings, faults)
    parent = next(folder for folder in (settings.data_dir, *settings.data_dir.absolute().parents) if folder.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        faults.append(f"data_dir: {settings.data_dir} cannot be made or written: no right to write in {parent}")
    return faults, summary


def _check_devices(settings: Settings, faults: list[str]) -> list[str]:
    """Check profiles, rules and ledger; each needs the one before it."""
    try:
        profiles = load_profiles(settings.devices.profiles)
    except ProfileFaults as error:
        faults += error.faults
        return []
    summary = [f"{len(profiles)} profiles"]
    try:
        summary.append(f"{len(load_rules(profiles).by_id)} rules")
    except RuleFaults as error:
        faults += error.faults
    if settings.devices.ledger is not None:
        try:
            summary.append(f"{len(read_ledger(settings.devices.ledger, profiles))} devices in the ledger")
        except LedgerFaults as error:
            faults += error.faults
        except OSError as error:
            faults.append(f"devices.ledger: {settings.devices.ledger}: {error.strerror}")
    return summary


def _check_recipients(settings: Settings, faults: list[str]) -> list[str]:
    try:
        make_channels(settings)
    except SettingsFaults as error:
        faults += error.faults
    if not settings.recipients:
        return ["no recipients: everything goes to the console alone"]
    used = {channel for recipient in settings.recipients for channel in recipient.channels}
    idle = sorted(settings.channels.keys() - used - {"console"})
    return [
        f"{len(settings.recipients)} recipients by {', '.join(sorted(used))}",
        *([f"nobody is told by {', '.join(idle)}"] if idle else []),
    ]


def _check_broker(settings: Settings, faults: list[str]) -> bool:
    """Check what is needed to introduce ourselves; return whether it is there."""
    tls = broker_settings(settings.broker, "check").tls
    try:
        if tls is not None:
            tls.context()
    except OSError as error:
        faults.append(f"broker.tls: the files do not load: {error}")
        return False
    return True

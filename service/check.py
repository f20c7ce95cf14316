"""`vigil check-config`: every fault of the settings and of the files they name, found without starting anything."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from alerts.channels import ChannelContext, FailoverSettings
from alerts.channels.inbound import gate_of
from alerts.channels.push_settings import KEY_FILE
from alerts.people.doubts import doubts
from alerts.people.sections import DirectoryArrays
from alerts.people.settings import DirectoryFaults
from devices import LedgerFaults, ProfileFaults, load_profiles, read_ledger
from rules import RuleFaults, load_rules
from service.channels import broker_settings, make_channels, own_broker
from service.directory import read_directory
from service.settings import SettingsFaults, load_settings

if TYPE_CHECKING:
    from alerts.people.model import Directory
    from service.settings import Settings

__all__ = ["check_settings", "faults_of"]


def check_settings(file: Path | None) -> tuple[list[str], list[str]]:
    """Return every fault of the settings, and, where there is none, a few lines that sum them up."""
    try:
        settings = load_settings(file)
    except SettingsFaults as error:
        return [*error.faults, *_faults_of_the_rest(file, error.tables)], []
    faults: list[str] = []
    summary = [f"data in {settings.data_dir}", f"broker {settings.broker.host}:{settings.broker.port}"]
    summary += _check_devices(settings, faults)
    summary += _check_ledger(settings, faults)
    if _check_broker(settings, faults):
        summary += _check_recipients(settings, faults)
    _check_data_dir(settings, faults)
    return faults, summary


def _faults_of_the_rest(file: Path | None, tables: frozenset[str]) -> list[str]:
    """Return the faults of what the tables without a fault name: profiles, rules, ledger, people."""
    if not tables:
        return []
    faults: list[str] = []
    try:
        settings = load_settings(file, without=tables)
    except SettingsFaults as further:  # what is wrong between tables is seen once each of them is right
        if further.tables <= tables:
            return []  # of the environment, and told already
        return [*further.faults, *_faults_of_the_rest(file, tables | further.tables)]
    if not tables & {"devices", "rules"}:
        _check_devices(settings, faults)
        _check_ledger(settings, faults)
    if not tables & {"directory", *DirectoryArrays.model_fields}:
        _directory(settings, faults, are_recipients_known="recipients" not in tables)
    if "data_dir" not in tables:
        _check_data_dir(settings, faults)
    return faults


def faults_of(settings: Settings) -> list[str]:
    """Return every fault that is found at once; the ledger, which takes a while, is left to whoever reads it."""
    faults: list[str] = []
    _check_devices(settings, faults)
    if _check_broker(settings, faults):
        _check_recipients(settings, faults)
    _check_data_dir(settings, faults)
    if settings.devices.ledger is not None and not settings.devices.ledger.is_file():
        faults.append(f"devices.ledger: {settings.devices.ledger}: no such file")
    return faults


def _check_devices(settings: Settings, faults: list[str]) -> list[str]:
    """Check profiles and rules."""
    try:
        profiles = load_profiles(settings.devices.profiles)
        rules = load_rules(profiles, settings.rules.files, settings.rules.timezone)
    except (ProfileFaults, RuleFaults) as error:
        faults += error.faults
        return []
    return [f"{len(profiles)} profiles", f"{len(rules.by_id)} rules"]


def _check_ledger(settings: Settings, faults: list[str]) -> list[str]:
    """Read the ledger, if there is one and the profiles that it names load."""
    ledger = settings.devices.ledger
    if ledger is None:
        return []
    try:
        return [f"{len(read_ledger(ledger, load_profiles(settings.devices.profiles)))} devices in the ledger"]
    except LedgerFaults as error:
        faults += error.faults
    except ProfileFaults:
        pass  # told already
    except OSError as error:
        faults.append(f"devices.ledger: {ledger}: {error.strerror}")
    return []


def _check_data_dir(settings: Settings, faults: list[str]) -> None:
    parent = next(folder for folder in (settings.data_dir, *settings.data_dir.absolute().parents) if folder.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        faults.append(f"data_dir: {settings.data_dir} cannot be made or written: no right to write in {parent}")


def _check_recipients(settings: Settings, faults: list[str]) -> list[str]:
    try:
        with tempfile.TemporaryDirectory() as empty:
            # What is made in the data folder at the first start is not made by a check.
            data_dir = settings.data_dir if (settings.data_dir / KEY_FILE).exists() else Path(empty)
            make_channels(settings, ChannelContext(broker=own_broker(settings), data_dir=data_dir))
    except SettingsFaults as error:
        faults += error.faults
    faults += _strange_gateways(settings)
    directory = _directory(settings, faults)
    if directory is None:
        return []
    used = {channel for recipient in settings.recipients for channel in recipient.channels}
    used |= {contact.channel for person in directory.people for contact in person.contacts}
    used |= {one for name in used for one in _members(settings.channels.get(name))}
    idle = sorted(settings.channels.keys() - used - {"console"})
    told = f"{len(settings.recipients)} recipients, {len(directory.people)} people by {', '.join(sorted(used))}"
    return [
        told if used else "no recipients and no people: everything goes to the console alone",
        *([f"nobody is told by {', '.join(idle)}"] if idle else []),
        *(f"doubtful: {doubt}" for doubt in doubts(directory, time.time_ns() // 1000)),
    ]


def _directory(settings: Settings, faults: list[str], *, are_recipients_known: bool = True) -> Directory | None:
    try:
        return read_directory(settings, are_recipients_known=are_recipients_known)
    except DirectoryFaults as error:
        faults += error.faults
        return None


def _strange_gateways(settings: Settings) -> list[str]:
    """Return a fault for each channel that is to have an address to report to, and has nothing to report."""
    return [
        f"console.inbound_secrets.{name}: no SMS or voice channel of that name whose gateway reports anything"
        for name in settings.console.inbound_secrets
        if gate_of(name, settings.channels.get(name), "") is None
    ]


def _members(section: object) -> tuple[str, ...]:
    return section.members if isinstance(section, FailoverSettings) else ()


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

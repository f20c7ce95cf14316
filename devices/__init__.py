"""Devices: what they are, what they measure, and how their readings travel."""

from devices.batch import Flag, ReadingBatch
from devices.ledger import LedgerFaults, read_ledger, write_ledger
from devices.model import Device, Kind, Lifecycle, device_key
from devices.profile import Metric, MetricType, Profile
from devices.profile_loader import ALARM_METRIC, ProfileFaults, load_profiles
from devices.quarantine import QuarantineReport, Reason, Sample
from devices.registry import ChannelRow, DeviceRow, Registry, RegistryChange

__all__ = [
    "ALARM_METRIC",
    "ChannelRow",
    "Device",
    "DeviceRow",
    "Flag",
    "Kind",
    "LedgerFaults",
    "Lifecycle",
    "Metric",
    "MetricType",
    "Profile",
    "ProfileFaults",
    "QuarantineReport",
    "ReadingBatch",
    "Reason",
    "Registry",
    "RegistryChange",
    "Sample",
    "device_key",
    "load_profiles",
    "read_ledger",
    "write_ledger",
]

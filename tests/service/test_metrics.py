"""What the service shows of itself: what it is, its clock, its disk, its certificates and what waits in it."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from prometheus_client import CollectorRegistry

from service.certificates import Certificates
from service.core import open_core
from service.metrics import ServiceMetrics
from service.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

NOON = dt.datetime(2027, 1, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def certificate(days: float) -> x509.Certificate:
    """Return one that ends so many days after NOON."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vigil")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOON - 99 * DAY)
    return builder.not_valid_after(NOON + days * DAY).sign(key, hashes.SHA256())


def pem(*days: float) -> bytes:
    return b"".join(certificate(one).public_bytes(Encoding.PEM) for one in days)


def ends(days: float) -> float:
    return (NOON + days * DAY).timestamp()


def test_certificates_are_shown_by_whose_they_are(tmp_path: Path) -> None:
    client, authority = tmp_path / "client.pem", tmp_path / "ca.pem"
    client.write_bytes(pem(5, 900))  # its chain comes after it
    authority.write_bytes(pem(10, 800))  # of an old authority and a new one the new one counts
    shown: list[bytes | None] = [None]
    certificates = Certificates(lambda: shown[0], client, authority)
    assert certificates.expiries() == {"client": ends(5), "authority": ends(800)}
    shown[0] = certificate(7).public_bytes(Encoding.DER)
    assert certificates.expiries()["broker"] == ends(7)
    shown[0] = None
    assert certificates.expiries()["broker"] == ends(7), "it is remembered while the broker is away"
    shown[0] = certificate(8).public_bytes(Encoding.DER)
    assert certificates.expiries()["broker"] == ends(8)


def test_a_certificate_is_read_anew_where_its_file_changed(tmp_path: Path) -> None:
    client = tmp_path / "client.pem"
    client.write_bytes(pem(5))
    certificates = Certificates(lambda: None, client)
    assert certificates.expiries() == {"client": ends(5)}
    client.write_bytes(pem(365))
    os.utime(client, ns=(1, 1))
    assert certificates.expiries() == {"client": ends(365)}


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_certificate_that_cannot_be_read_has_ended(tmp_path: Path, content: bytes | None) -> None:
    client = tmp_path / "client.pem"
    client.write_bytes(pem(5))
    certificates = Certificates(lambda: None, client)
    certificates.expiries()
    if content is None:
        client.unlink()
    else:
        client.write_bytes(content)
    assert certificates.expiries() == {"client": 0.0}


def test_a_brokers_certificate_that_tls_takes_and_we_cannot_read_has_ended() -> None:
    certificates = Certificates(lambda: b"strange")
    assert certificates.expiries() == {"broker": 0.0}


async def test_the_service_shows_what_it_is_and_how_it_stands(tmp_path: Path) -> None:
    registry = CollectorRegistry()

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"vigil_{name}", labels)

    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        before = time.time()
        ServiceMetrics(registry, core, [])
        (build,) = next(family for family in registry.collect() if family.name == "vigil_build_info").samples
        assert build.value == 1
        assert set(build.labels) == {"version", "python", "implementation"}
        assert before <= (value("start_time_seconds") or 0) <= time.time()
        assert value("clock_time_seconds") == pytest.approx(time.time(), abs=5)
        assert value("clock_offset_seconds") == 0
        assert value("clock_steps_total", direction="back") == 0
        core.clock.advance(core.clock.time_us() + 3_600_000_000)
        assert value("clock_offset_seconds") == pytest.approx(3600, abs=5)
        assert value("clock_steps_total", direction="back") == 1
        assert value("disk_size_bytes") == shutil.disk_usage(tmp_path).total
        assert 0 <= (value("disk_free_bytes") or 0) <= shutil.disk_usage(tmp_path).total
        assert value("ingest_pending_readings", lane="telemetry") == 0
        assert value("pipeline_commands_waiting") == 0
        assert value("pipeline_folded_age_seconds") == pytest.approx(0, abs=5)
        assert value("pipeline_offset") == core.shard.offset
        assert value("registry_devices") == 1, "itself"


async def test_a_data_dir_that_is_gone_has_no_room(tmp_path: Path) -> None:
    async with open_core(load_settings(None, data_dir=tmp_path / "data")) as core:
        registry = CollectorRegistry()
        ServiceMetrics(registry, core, [])
        (tmp_path / "data").rename(tmp_path / "gone")
        assert registry.get_sample_value("vigil_disk_free_bytes") == 0
        assert registry.get_sample_value("vigil_registry_devices") == 1
        (tmp_path / "gone").rename(tmp_path / "data")

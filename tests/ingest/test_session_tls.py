"""TLS with a real mosquitto, and certificates made by openssl for each run."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from ingest import BrokerRefused, LossReason, RefusalReason, TlsSettings
from tests.support.inbox import Inbox, publish, running, settings_for, started, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.broker import Mosquitto, StartMosquitto

    Authority = Callable[..., Path]

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Return a function that makes `<name>.pem` and `<name>.key`, signed by `<signer>.pem`, or by itself."""
    if shutil.which("openssl") is None:
        message = "openssl is not on the PATH: install it to run the tests of TLS"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    directory = tmp_path_factory.mktemp("certificates")

    def make(name: str, signer: str | None = None, alternative: str = "IP:127.0.0.1") -> Path:
        certificate = directory / f"{name}.pem"
        if certificate.exists():
            return certificate
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", f"/CN={name}", "-out", str(certificate)]
        command += ["-keyout", str(directory / f"{name}.key")]
        if signer is None:
            command += ["-addext", "keyUsage=critical,keyCertSign"]
        else:
            command += ["-CA", str(directory / f"{signer}.pem"), "-CAkey", str(directory / f"{signer}.key")]
            command += ["-addext", f"subjectAltName={alternative}", "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(command, check=True, capture_output=True)
        return certificate

    for name, signer in (("ca", None), ("other-ca", None), ("broker", "ca"), ("client", "ca"), ("stray", "other-ca")):
        make(name, signer)
    return make


@pytest.fixture
def secure(start_mosquitto: StartMosquitto, authority: Authority) -> Mosquitto:
    """Return a broker that speaks TLS and wants a client certificate of `ca`."""
    return start_mosquitto(
        "listener {port} 127.0.0.1",
        f"cafile {authority('ca')}",
        f"certfile {authority('broker')}",
        f"keyfile {authority('broker').with_suffix('.key')}",
        "require_certificate true",
        "use_identity_as_username true",
    )


def tls_of(authority: Authority, ca: str = "ca", client: str | None = "client", **changes: object) -> TlsSettings:
    certificate = None if client is None else authority(client)
    key = None if certificate is None else certificate.with_suffix(".key")
    return TlsSettings(authority(ca), certificate, key, **changes)  # type: ignore[arg-type]


async def test_messages_come_over_tls_with_a_client_certificate(secure: Mosquitto, authority: Authority) -> None:
    inbox = Inbox(acknowledges=True)
    settings = settings_for(secure, tls=tls_of(authority))
    async with running(session := inbox.attach(settings)):
        await publish(secure, [bytes(10), bytes(1_000_000), bytes(20)], tls=tls_of(authority).context())
        await inbox.until(3)
        pem = ssl.DER_cert_to_PEM_cert(session.broker_certificate or b"")
        assert pem == authority("broker").read_text()
        assert session.counters.last_message_s == pytest.approx(time.time(), abs=10)
    assert session.broker_certificate is None
    assert [len(payload) for payload in inbox.payloads()] == [10, 1_000_000, 20]
    assert session.counters.acks == 3
    again = Inbox()
    async with running(again.attach(settings)):
        assert again.connected == [True]


async def refusal(broker: Mosquitto, tls: TlsSettings | None) -> BrokerRefused:
    session = Inbox().attach(settings_for(broker, tls=tls))
    with pytest.raises(BrokerRefused) as refused:
        await session.run()
    assert session.counters.disconnects[LossReason.TLS_FAILED] == 1
    assert refused.value.reason is RefusalReason.TLS
    return refused.value


async def test_a_broker_signed_by_another_authority_is_refused(secure: Mosquitto, authority: Authority) -> None:
    assert "certificate is not to be trusted" in str(await refusal(secure, tls_of(authority, ca="other-ca")))


async def test_a_broker_under_another_name_is_refused(secure: Mosquitto, authority: Authority) -> None:
    fault = str(await refusal(secure, tls_of(authority, server_name="broker.example")))
    assert "names the host" in fault
    assert "broker.example" in fault


@pytest.mark.parametrize("client", [None, "stray"])
async def test_a_client_certificate_that_the_broker_does_not_take_is_told(
    secure: Mosquitto, authority: Authority, client: str | None
) -> None:
    assert "check certificate_file and key_file" in str(await refusal(secure, tls_of(authority, client=client)))


async def test_tls_to_a_broker_without_tls_is_tried_again(mosquitto: Mosquitto, authority: Authority) -> None:
    session = Inbox().attach(settings_for(mosquitto, tls=tls_of(authority)))
    async with started(session):
        await until(lambda: session.counters.disconnects[LossReason.TLS_FAILED] >= 2)


async def test_no_tls_to_a_broker_with_tls_is_tried_again(secure: Mosquitto) -> None:
    session = Inbox().attach(settings_for(secure))
    async with started(session):
        await until(lambda: sum(session.counters.disconnects.values()) >= 2)
    assert session.counters.connects == 0


async def test_a_file_that_is_no_certificate_is_told(mosquitto: Mosquitto, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    fault = await refusal(mosquitto, TlsSettings(ca_file=wrong))
    assert "the TLS files do not load" in str(fault)


async def test_verification_can_be_switched_off_for_trials(secure: Mosquitto, authority: Authority) -> None:
    tls = tls_of(authority, ca="other-ca", verify=False)
    async with running(session := Inbox().attach(settings_for(secure, tls=tls))):
        assert session.connected

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.check import check_settings
from service.settings import SettingsFaults, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, text: str) -> Path:
    file = folder / "vigil.toml"
    file.write_text(text, "utf-8")
    return file


def test_nothing_needs_to_be_said() -> None:
    settings = load_settings()
    assert settings.broker.port == 1883
    assert settings.database.dsn == "embedded"
    assert set(settings.channels) == {"console"}


def test_every_fault_is_named_with_its_place(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        [broker]
        port = 70000
        hots = "typo"
        [ingest]
        block_ms = "soon"
        [channels.desk]
        type = "pigeon"
        """,
    )
    with pytest.raises(SettingsFaults) as caught:
        load_settings(file)
    text = str(caught.value)
    for place in ("broker.port", "broker.hots", "ingest.block_ms", "channels.desk"):
        assert place in text
    assert len(caught.value.faults) == 4
    assert all(str(file) in fault for fault in caught.value.faults)


def test_a_recipient_of_a_channel_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    file = written(tmp_path, '[[recipients]]\nname = "desk"\nchannels = ["sms"]\n')
    with pytest.raises(SettingsFaults, match=r"desk.*sms"):
        load_settings(file)


def test_paths_in_a_file_are_relative_to_the_file(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, 'data_dir = "here"\n[devices]\nledger = "l.csv"\nprofiles = ["p"]\n'))
    assert settings.data_dir == tmp_path / "here"
    assert settings.devices.ledger == tmp_path / "l.csv"
    assert settings.devices.profiles == (tmp_path / "p",)


def test_the_environment_overrides_one_key_of_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIGIL_BROKER__PASSWORD", "hidden")
    settings = load_settings(written(tmp_path, '[broker]\nhost = "broker.example"\nport = 8883\n'))
    assert (settings.broker.host, settings.broker.port) == ("broker.example", 8883)
    assert settings.broker.password is not None
    assert settings.broker.password.get_secret_value() == "hidden"
    assert "hidden" not in repr(settings)


def test_a_secret_is_not_shown_in_a_fault(tmp_path: Path) -> None:
    file = written(tmp_path, '[channels.desk]\ntype = "webhook"\nurl = "http://x.example/"\nsecret = "hush"\n')
    with pytest.raises(SettingsFaults) as caught:
        load_settings(file)
    assert "secret" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "secret",
    ["access_key_secret = 70817", 'acces_key_secrt = "70817"', 'auth_token = "70817"', 'secret_key = "70817"'],
)
def test_no_vendors_key_is_shown_in_a_fault_even_under_a_misspelt_name(tmp_path: Path, secret: str) -> None:
    gateway = f'[channels.sms]\ntype = "sms"\n[channels.sms.gateway]\npreset = "aliyun"\n{secret}\n'
    with pytest.raises(SettingsFaults) as caught:
        load_settings(written(tmp_path, gateway))
    assert secret.partition(" ")[0] in str(caught.value)
    assert "70817" not in str(caught.value)


@pytest.mark.parametrize("text", ["broker = [", "\x00"])
def test_what_is_not_toml_is_said_to_be_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsFaults, match="not TOML"):
        load_settings(written(tmp_path, text))


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsFaults, match="cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_a_check_names_the_faults_of_every_file_whatever_else_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "vigil.toml"
    file.write_text(
        """
data_dir = "data"
broker = { prot = 1883 }
devices.ledger = "noledger.csv"
rules.files = ["norules.toml"]
directory.files = ["people.toml"]
channels.sms = { type = "webhook", url = "not a url" }
[[recipients]]
name = "desk"
channels = ["nope"]
"""
    )
    (tmp_path / "people.toml").write_text(
        """
[[people]]
name = "li"
contacts = ["sms:1", "pigeon:2"]
[[routes]]
chain = "fires"
"""
    )
    faults, summary = check_settings(file)
    wanted = ("broker.prot", "url", "'nope'", "norules.toml", "noledger.csv", "'pigeon'", "'fires'")
    assert [part for part in wanted if not any(part in fault for fault in faults)] == []
    assert len(faults) == len(wanted)
    assert summary == []
    assert not (tmp_path / "data").exists()

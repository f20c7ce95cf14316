"""The compose file: what it says is what the Compose Specification knows, what is there, and what is documented."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from service.settings import load_settings
from tests.deploy.composition import (
    COMPOSE,
    CONTAINER,
    ROOT,
    SETTINGS,
    VARIABLE,
    composed,
    lay_out,
    mounts,
    text,
    values,
)
from tests.support.npm import fetched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.timescale import TimescaleDatabase

SERVICES = composed()["services"]
PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
DEVICES_PORT = 1883

# It has the Compose Specification's JSON schema in it. Of its further rules two are left to the tests below: an image
# that is built has a name of its own here, and the address that the broker is at is a variable.
LINTER = "dclint@3.1.0"
OURS = ("no-build-and-image", "no-unbound-port-interfaces")


@pytest.fixture(scope="module")
def lint(request: pytest.FixtureRequest) -> Callable[[Path], subprocess.CompletedProcess[str]]:
    directory = fetched(request.config.cache, LINTER)
    program = directory / "node_modules" / ".bin" / "dclint"

    def run(file: Path) -> subprocess.CompletedProcess[str]:
        rules = [argument for rule in OURS for argument in ("--disable-rule", rule)]
        command = [str(program), str(file), "--quiet", "--color=false", *rules]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=directory)

    return run


@pytest.mark.real
def test_the_file_is_what_the_compose_specification_knows(
    lint: Callable[[Path], subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    done = lint(COMPOSE)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stdout + done.stderr
    for right, wrong in (("healthcheck:", "health_check:"), ("start_period: 10s", "start_period: [10]")):
        misspelt = tmp_path / "compose.yaml"
        misspelt.write_text(text().replace(right, wrong, 1), "utf-8")
        refused = lint(misspelt)
        assert refused.returncode == 1
        assert "invalid-schema" in refused.stdout


def test_every_image_is_pinned_to_a_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images.keys() == {"mosquitto", "timescaledb", "vigil", "prometheus", "alertmanager", "grafana"}
    assert images.pop("vigil") == f"localhost/vigil:{version}"
    (base,) = re.findall(r"^FROM (\S+)$", (CONTAINER / "Containerfile").read_text("utf-8"), re.MULTILINE)
    for image in (*images.values(), base):
        assert re.fullmatch(r"docker\.io/[a-z-]+/[a-z-]+:v?\d+\.\d+\.\d+(-pg\d+|-slim-bookworm)?", image), image


@pytest.mark.real
def test_the_database_is_the_one_whose_sql_is_tested(empty_timescale_database: TimescaleDatabase) -> None:
    timescaledb = empty_timescale_database.value("SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'")
    postgresql = int(empty_timescale_database.value("SHOW server_version_num")) // 10_000
    minor = timescaledb.rpartition(".")[0]
    assert re.search(rf":{re.escape(minor)}\.\d+-pg{postgresql}$", SERVICES["timescaledb"]["image"])


def test_what_is_mounted_is_there_and_cannot_be_changed_from_within() -> None:
    settings = CONTAINER / "settings"
    for name, service in SERVICES.items():
        for mount in mounts(service):
            assert mount.read_only, f"{name}: {mount.target}"
            assert mount.source.exists() or settings in {mount.source, mount.source.parent}, f"{name}: {mount.source}"
    head = text().partition("\nname:")[0]
    for name, source in SETTINGS.items():
        assert re.search(rf"cp \S*{re.escape(source.name)} settings/(?:{re.escape(name)})?(?:\s|$)", head), name


def test_what_people_put_there_is_neither_committed_nor_built_into_an_image() -> None:
    ignored = (CONTAINER / ".gitignore").read_text("utf-8").split()
    assert {".env", "settings/"} <= set(ignored)
    context = (ROOT / ".dockerignore").read_text("utf-8").split()
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*wheel["packages"], "pyproject.toml", "README.md", "LICENSE", "requirements"}
    assert next(line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] != "#") == "*"
    assert {line[1:] for line in context if line.startswith("!")} == wanted


def test_every_volume_is_declared_and_used() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", ())
        if isinstance(volume, str) and not volume.startswith(".")
    }
    assert used == composed()["volumes"].keys()


def test_every_variable_is_documented_and_no_password_has_a_default() -> None:
    asked = {found["name"]: found for found in VARIABLE.finditer(text())}
    secrets = {secret["environment"] for secret in composed()["secrets"].values()}
    assert asked.keys() | secrets == values().keys()
    for name, found in asked.items():
        assert found["kind"] in {"-", "?"}, name
        assert (found["kind"] == "?") is name.endswith("PASSWORD"), name
    above = ""
    for line in (CONTAINER / "example.env").read_text("utf-8").splitlines():
        name, is_variable, _ = line.partition("=")
        assert line.startswith("#") or not is_variable or above, f"{name}: nobody says what it is for"
        above = line


def test_only_what_must_be_reached_listens_and_on_this_machine_alone() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert published == {
        "mosquitto": [f"127.0.0.1:{DEVICES_PORT}:{DEVICES_PORT}"],  # MQTT_ADDRESS may say otherwise
        "timescaledb": [],
        "vigil": ["127.0.0.1:9464:9464", "127.0.0.1:9465:9465"],
        "prometheus": ["127.0.0.1:9090:9090"],
        "alertmanager": ["127.0.0.1:9093:9093"],
        "grafana": ["127.0.0.1:3000:3000"],
    }


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_looked_after(name: str) -> None:
    service = SERVICES[name]
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "start_period"} <= check.keys()
    # `on-failure` would leave a container alone that had ended in order when the machine was restarted.
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}  # a log that fills the disk ends everything
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_vigil_reads_from_its_environment_what_the_others_are_called(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("VIGIL_")]:
        monkeypatch.delenv(name)
    image = re.search(r"^ENV (VIGIL_DATA_DIR.*)$", (CONTAINER / "Containerfile").read_text("utf-8"), re.MULTILINE)
    assert image is not None
    given = dict(pair.split("=", 1) for pair in image[1].split())
    for name, value in (given | SERVICES["vigil"]["environment"]).items():
        monkeypatch.setenv(name, value)
    lay_out(SERVICES["vigil"], tmp_path)
    settings = load_settings(tmp_path / "etc" / "vigil" / "vigil.toml")
    assert settings.broker.host in SERVICES
    assert f"listener {settings.broker.port}\n" in (CONTAINER / "mosquitto.conf").read_text("utf-8")
    assert settings.broker.password is not None
    assert settings.broker.password.get_secret_value() == values()["VIGIL_BROKER_PASSWORD"]
    for dsn, role, password in (
        (settings.database.dsn, "vigil", "VIGIL_DATABASE_PASSWORD"),
        (settings.database.owner_dsn, "vigil_owner", "VIGIL_OWNER_PASSWORD"),
    ):
        assert dsn == f"host=timescaledb dbname=vigil user={role} password={values()[password]}"
    assert (settings.http.host, settings.console.host) == ("0.0.0.0", "0.0.0.0")
    assert f":{settings.http.port}/healthz" in SERVICES["vigil"]["healthcheck"]["test"][-1]


def test_grafana_finds_the_boards_and_what_the_provisioning_asks_for(tmp_path: Path) -> None:
    grafana = SERVICES["grafana"]
    lay_out(grafana, tmp_path)
    asked = {
        name
        for file in PROVISIONING.rglob("*.yaml")
        for line in file.read_text("utf-8").splitlines()
        for name in re.findall(r"\$(?:__env\{)?([A-Z][A-Z_]+)\}?", line.partition("# ")[0])
    }
    assert asked
    assert asked == {name for name in grafana["environment"] if not name.startswith("GF_")}
    by_hand = (ROOT / "deploy" / "systemd" / "grafana.env").read_text("utf-8").splitlines()
    assert asked == {line.partition("=")[0] for line in by_hand if not line.startswith("#")}
    providers = yaml.safe_load((PROVISIONING / "dashboards" / "vigil.yaml").read_text("utf-8"))["providers"]
    for provider in providers:
        assert list((tmp_path / provider["options"]["path"].lstrip("/")).glob("*.json"))
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (tmp_path / home.lstrip("/")).is_file()


def test_the_containers_prometheus_is_that_of_the_host_by_other_names() -> None:
    here, there = (
        yaml.safe_load(file.read_text("utf-8"))
        for file in (CONTAINER / "prometheus.yml", ROOT / "deploy" / "prometheus" / "prometheus.yml")
    )

    def targets(config: dict[str, Any]) -> list[str]:
        found = [*config["alerting"]["alertmanagers"], *config["scrape_configs"]]
        return [one.pop("static_configs")[0]["targets"][0] for one in found]

    by_name, by_address = targets(here), targets(there)
    assert here == there
    assert by_address == [re.sub(r"^\w+:", "127.0.0.1:", target) for target in by_name]
    assert {target.partition(":")[0] for target in by_name} <= SERVICES.keys()

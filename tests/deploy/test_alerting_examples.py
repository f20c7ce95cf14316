"""The examples of the handbooks and of deploy/: each loads as settings do, each command and address is there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
import typer
from typer.core import TyperGroup

from alerts import lifecycle, passage
from alerts.channels import Broker, ChannelContext, ChannelSettings
from alerts.people.settings import load_directory
from console.openapi import document
from service.channels import make_channels
from service.cli.app import app
from service.directory import read_directory
from service.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alerts.people.model import Directory
    from service.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DEPLOY = ROOT / "deploy"
HANDBOOK = DOCS / "alerting.md"
LOADED = ("alerting.md", "channels.md", "api.md", "operations.md", "storage.md", "deploy.md", "tracing.md")
"""Whose TOML examples are settings; those of rules and profiles have tests of their own."""

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # of one of apprise's parts

_FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(vigil [^`\n]+)`")
_LINE = re.compile(r"^(?:\$ |    )?(vigil [a-z-]+.*?)(?:  +# .*)?$", re.MULTILINE)
_ADDRESS = re.compile(r"`(GET|POST|PUT|DELETE) (/[^`]*)`")
_SETTING = re.compile(r"^# (?=\[|[a-z_]+ = |    [{\]]|[\]}]$)", re.MULTILINE)
"""What begins a line of TOML that is commented out, as against a remark."""


def blocks(file: Path, language: str) -> list[tuple[int, str]]:
    """Return the fenced blocks of a language, each with the number of its first line."""
    text = file.read_text("utf-8")
    found = _FENCED.finditer(text)
    return [(text.count("\n", 0, one.start()) + 2, one[2]) for one in found if one[1] == language]


def examples() -> Iterator[Any]:
    """Yield the TOML examples. In the handbook the first is a whole community, and the others go with it."""
    for name in LOADED:
        whole = ""
        for line, text in blocks(DOCS / name, "toml"):
            yield pytest.param(whole + text, id=f"{name}:{line}")
            if name == HANDBOOK.name and not whole:
                whole = text


def loaded(text: str, folder: Path) -> tuple[Settings, Directory]:
    """Load a settings file as the service does, up to its channels."""
    file = folder / "vigil.toml"
    file.write_text(text, "utf-8")
    settings = load_settings(file, data_dir=folder / "data")
    directory = read_directory(settings)
    context = ChannelContext(broker=Broker("127.0.0.1", 1883), data_dir=folder)
    assert make_channels(settings, context).keys() == settings.channels.keys()
    return settings, directory


@pytest.fixture(autouse=True)
def no_settings_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIGIL_CONFIG", "VIGIL_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("text", list(examples()))
def test_an_example_of_the_docs_loads(text: str, tmp_path: Path) -> None:
    loaded(text, tmp_path)


def test_every_type_of_channel_has_an_example() -> None:
    shown = {
        section["type"]
        for _, text in blocks(DOCS / "channels.md", "toml")
        for section in tomllib.loads(text).get("channels", {}).values()
    }
    union = get_args(ChannelSettings)[0]
    assert shown == {get_args(of.model_fields["type"].annotation)[0] for of in get_args(union)}


def test_the_settings_load_as_they_are_shipped(tmp_path: Path) -> None:
    settings, directory = loaded((DEPLOY / "vigil.example.toml").read_text("utf-8"), tmp_path)
    assert settings.recipients
    assert not directory.people


def test_the_settings_load_with_all_that_is_commented_out(tmp_path: Path) -> None:
    text = _SETTING.sub("", (DEPLOY / "vigil.example.toml").read_text("utf-8"))
    (tmp_path / "people.toml").write_text((DEPLOY / "people.example.toml").read_text("utf-8"), "utf-8")
    for name in re.findall(r'^(?:ca|certificate|key)_file = "(.*?)"', text, re.MULTILINE):
        (tmp_path / name).touch()
    settings, directory = loaded(text, tmp_path)
    assert directory.people
    assert settings.directory.files == (tmp_path / "people.toml",)
    shown = tomllib.loads(text)
    assert shown.keys() >= {"noise", "inhibitions", "console", "cap", "prometheus", "self_test", "deadman", "alerts"}
    of_alerts = settings.alerts.model_copy(update={"whistle_every_s": None})  # the one that has no figure of its own
    assert of_alerts == type(settings.alerts)(), "what stands there is what is the case anyway"
    assert settings.noise == type(settings.noise)(), "what stands there is what is the case anyway"


def test_the_community_loads_with_the_channels_that_it_names() -> None:
    channels, recipients = {"app", "sms", "voice", "watch"}, {"fire-119"}
    directory = load_directory([DEPLOY / "people.example.toml"], _NOBODY, channels, recipients)
    assert {contact.channel for person in directory.people for contact in person.contacts} == channels


_NOBODY = load_settings().directory_sections()


# ── commands and addresses ───────────────────────────────────────────────────────────────────────────────────────────


def commands_named() -> dict[str, str]:
    """Return every command line that the docs name, and the first place of it."""
    named: dict[str, str] = {}
    for file in sorted((*DOCS.glob("*.md"), *DEPLOY.rglob("*.toml"), *DEPLOY.rglob("*.yml"))):
        text = file.read_text("utf-8")
        prose = _FENCED.sub("", text) if file.suffix == ".md" else text
        lines = _SPAN.findall(prose)
        for language in ("console", "sh"):
            lines += [line for _, block in blocks(file, language) for line in _LINE.findall(block)]
        for line in lines:
            named.setdefault(line.strip(), file.name)
    return named


@pytest.mark.parametrize("line", [pytest.param(line, id=f"{file} {line}") for line, file in commands_named().items()])
def test_a_command_of_the_docs_is_there_with_its_options(line: str) -> None:
    words = shlex.split(line.replace("…", " "))
    command = typer.main.get_command(app)
    rest = words[1:]
    while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
        found = command.commands.get(rest[0])
        assert found is not None, f"no command {rest[0]!r} in {line!r}"
        command, rest = found, rest[1:]
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    options = {word.partition("=")[0] for word in rest if word.startswith("-")}
    assert options <= known | {"--help"}


def test_the_docs_name_every_command_of_alerting() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    for name in ("incidents", "silences", "drill", "contacts", "evidence"):
        group = root.commands[name]
        assert isinstance(group, TyperGroup)
        for verb, command in group.commands.items():
            assert command.hidden or f"vigil {name} {verb}" in HANDBOOK.read_text("utf-8")


def test_the_docs_of_the_api_name_its_addresses_and_no_others() -> None:
    named = set(_ADDRESS.findall((DOCS / "api.md").read_text("utf-8")))
    paths = msgspec.json.decode(document())["paths"]
    assert named == {(method.upper(), path) for path, methods in paths.items() for method in methods}


# ── diagrams and links ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_states_of_a_message_are_drawn_as_they_are() -> None:
    (drawn,) = (text for _, text in blocks(DOCS / "channels.md", "mermaid"))
    assert drawn.strip() == passage.diagram()


def test_the_handbooks_picture_has_no_step_that_there_is_not() -> None:
    (drawn,) = (text for _, text in blocks(HANDBOOK, "mermaid"))
    arrows = re.findall(r"^    (\w+) --> (\w+)", drawn, re.MULTILINE)
    assert set(arrows) <= {(state, after.state) for (state, _), after in lifecycle.TABLE.items()}
    assert {state for arrow in arrows for state in arrow} == set(lifecycle.STATES)


@pytest.mark.parametrize("name", LOADED)
def test_links_within_the_docs_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", (DOCS / name).read_text("utf-8")):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        text = (DOCS / (file or name)).read_text("utf-8")
        assert not anchor or anchor in {_anchor(one) for one in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}, target


def _anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")

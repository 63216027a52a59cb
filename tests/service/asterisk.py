"""A real Asterisk that runs a dialplan, where there is one: on the path, or named by DIALGUARD_ASTERISK."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.service import processes

EXECUTABLE = os.environ.get("DIALGUARD_ASTERISK") or shutil.which("asterisk")
_MODULES = (
    "pbx_config", "pbx_spool", "res_agi", "res_speech", "app_dial", "app_verbose", "app_stack", "app_system", "func_callerid", "func_uri", "func_logic",
    "func_channel", "bridge_simple", "res_timing_timerfd",
)  # fmt: skip


def _first(folder: Path, *names: str) -> Path:
    return next((folder / name for name in names if (folder / name).is_dir()), folder / names[0])


@contextmanager
def running(folder: Path, dialplan: str) -> Iterator[Path]:
    """Where call files go, while Asterisk runs a dialplan."""
    prefix = Path(str(EXECUTABLE)).resolve().parents[1]
    for name in ("etc", "spool/outgoing", "run", "log", "lib", "keys"):
        (folder / name).mkdir(parents=True)
    folders = {
        "astetcdir": folder / "etc", "astspooldir": folder / "spool", "astrundir": folder / "run", "astlogdir": folder / "log", "astkeydir": folder / "keys",
        "astdbdir": folder / "lib", "astvarlibdir": folder / "lib", "astagidir": folder / "lib", "astdatadir": _first(prefix, "share/asterisk"),
        "astmoddir": _first(prefix, "lib/asterisk/modules", "lib/x86_64-linux-gnu/asterisk/modules", "lib64/asterisk/modules"),
    }  # fmt: skip
    files = {
        "asterisk.conf": "[directories]\n" + "".join(f"{name} => {path}\n" for name, path in folders.items()),
        "modules.conf": "[modules]\nautoload=no\n" + "".join(f"load={name}.so\n" for name in _MODULES),
        "logger.conf": "[logfiles]\nconsole => error,warning\n",
        "extensions.conf": dialplan,
    }
    for name, text in files.items():
        (folder / "etc" / name).write_text(text)
    with processes.running([str(EXECUTABLE), "-f", "-C", str(folder / "etc" / "asterisk.conf")], folder, "asterisk") as process:
        wait(lambda: b"Asterisk Ready" in (folder / "asterisk.printed").read_bytes(), process)
        yield folder / "spool" / "outgoing"


def wait(done, process: subprocess.Popen | None = None, seconds: float = 60) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come"
        assert process is None or process.poll() is None, "Asterisk ended"
        time.sleep(0.05)


def call(outgoing: Path, extension: str, name: str = "") -> None:
    """Has Asterisk place a call to an extension of the dialplan, by a call file."""
    made = outgoing.parent / f"{extension.partition('@')[0]}.call"
    caller = f'Callerid: "{name}" <2125550100>\n' if name else ""
    made.write_text(f"Channel: Local/{extension}\n{caller}Application: Wait\nData: 1\nMaxRetries: 0\nWaitTime: 20\n")
    made.rename(outgoing / made.name)

"""The guide to the service and what lies in deploy/ do what they say."""

import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import yaml

from dialguard.service.config import Settings, Table, Twilio, TwilioNumber, load
from dialguard.service.keyfile import KeyFile
from tests.service.processes import ATTEMPT, WAIT, serving
from tests.service.test_run import certificate

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def followed(name: str, tmp_path: Path) -> list[str]:
    """What each of a guide's blocks of commands printed, done in a shell one after the other."""
    if shutil.which("curl") is None:
        pytest.skip("no curl here, by which the guide asks")
    guide = (ROOT / "docs" / "guides" / name).read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", guide, re.M | re.S)
    port = free_port()
    script = "\n".join(f"echo '== {number}'\n{block}" for number, block in enumerate(blocks)).replace("8080", str(port))
    script = script.replace("dialguard serve", f"dialguard serve --port {port}")
    # A function in the background would be a shell of its own, and the signal would end that.
    (tmp_path / "dialguard").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m dialguard "$@"\n')
    (tmp_path / "dialguard").chmod(0o755)
    done = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-m", "-c", f'PATH="{tmp_path}:$PATH"\ntrap "kill %1 2>/dev/null || true" EXIT\n{script}'],
        cwd=tmp_path, capture_output=True, text=True, timeout=240, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return re.split(r"== \d\n", done.stdout)[1:]


def test_the_guide_to_rules_that_change_does_what_it_says(tmp_path: Path) -> None:
    said = followed("rule-changes.md", tmp_path)
    assert len(said) == 4 and "2 examples, 0 failed" in said[1] and "serve in the place of" in said[1]
    refused, mended = said[2].partition('{"state"')[2].partition("}{")[::2]
    refused, mended = json.loads(f'{{"state"{refused}}}'), json.loads(f"{{{mended}")
    assert (refused["state"], mended["state"]) == ("refused", "current") and refused["digest"] == mended["digest"]
    told = refused["refused"]["troubles"][0]
    assert told["file"].endswith("/law/second.yaml") and (told["line"], told["message"]) == (3, "`name` stands twice in the same mapping")
    signed = json.loads(said[3].splitlines()[-1].removeprefix('{"status":"ready","rules":"current"}'))
    assert signed["state"] == "current" and [mark["revision"] for mark in signed["signed"].values()] == [1]


def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    said = followed("service.md", tmp_path)
    assert len(said) == 5
    assert json.loads(said[0]) == {"status": "ready", "rules": "current"}
    assert json.loads(said[1])["verdict"] == "deny"
    assert "active  default  check  " in said[2] and re.search(r"acme +until 2099-01-01T00:00:00Z", said[2]) and "revoked: " in said[2]
    assert "recorded: declaration:1" in said[3]
    assert (tmp_path / "store" / "tenants" / "acme-west" / "ledger.sqlite").exists()
    assert "is ready" in (tmp_path / "serve.log").read_text()


def test_the_shown_configuration_is_the_default() -> None:
    text = (DEPLOY / "service.toml").read_text("utf-8")
    found = load(DEPLOY / "service.toml")
    assert found == Settings(folder=found.folder)
    # Every key is there, those that are off as comments.
    whole = Settings.model_validate(tomllib.loads(re.sub(r"^# (?=[\w\[\"].*(=|\]))", "", text, flags=re.M)))
    assert (
        found.listen == whole.listen
        and whole.tls
        and whole.agi
        and whole.sip
        and whole.tenants
        and whole.twilio
        and whole.disable
        and whole.decisions.witness
    )
    shown = set(re.findall(r"^(?:# )?(\w+) =", text, re.M))
    tables = [Settings, *(type(value) for _, value in whole if isinstance(value, Table)), type(whole.tenants["acme"]), Twilio, TwilioNumber]
    fields = {name for table in tables for name in table.model_fields} - {
        "disable",
        "packs",
        "tls",
        "proxy",
        "limits",
        "decisions",
        "events",
        "alarms",
        "agi",
        "sip",
        "tenants",
        "twilio",
    }
    assert fields <= shown


def test_the_unit_is_one(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze here")
    text = (DEPLOY / "dialguard.service").read_text("utf-8")
    assert text.count("/opt/dialguard/.venv/bin/dialguard serve --config /etc/dialguard/service.toml") == 2
    (tmp_path / "dialguard").write_text("#!/bin/sh\n")
    (tmp_path / "dialguard").chmod(0o755)
    unit = tmp_path / "dialguard.service"
    unit.write_text(text.replace("/opt/dialguard/.venv/bin/dialguard", str(tmp_path / "dialguard")))
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert int(re.search(r"TimeoutStopSec=(\d+)", text)[1]) > Settings().stop_within


def test_the_compose_file_asks_for_commands_that_there_are() -> None:
    from dialguard.cli.main import parser

    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]
    parser().parse_args(services["dialguard"]["command"])
    (command,) = re.findall(r"^dialguard (.*)$", services["fill"]["command"][0], re.M)
    parser().parse_args(command.split())
    assert services["dialguard"]["build"]["dockerfile"] == "deploy/Dockerfile" and (DEPLOY / "Dockerfile").exists()


def test_behind_nginx(tmp_path: Path) -> None:
    """The configuration that is shown, on other ports and files."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("no nginx here")
    file, key = certificate(tmp_path)
    _, near = KeyFile(tmp_path).create(scopes=["check"], addresses=["127.0.0.1"])
    _, far = KeyFile(tmp_path).create(scopes=["check"], addresses=["203.0.113.7"])
    with serving(tmp_path, config='folder = "."\n[proxy]\ntrusted = ["127.0.0.1"]\n') as service:
        service.ready()
        port = free_port()
        shown = (DEPLOY / "nginx.conf").read_text("utf-8")
        for what, by in [
            ("127.0.0.1:8080", f"127.0.0.1:{service.port}"), ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
            ("/etc/dialguard/service.crt", str(file)), ("/etc/dialguard/service.key", str(key)),
        ]:  # fmt: skip
            assert shown.count(what) == 1
            shown = shown.replace(what, by)
        whole = f"worker_processes 1; daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/nginx.log; events {{}}\nhttp {{ access_log off;\n"
        whole += "".join(f"{name}_temp_path {tmp_path}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (tmp_path / "nginx.conf").write_text(whole + shown + "}")
        proxy = subprocess.Popen([nginx, "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "nginx.log")])
        try:
            behind = service.port
            service.port, service.tls, service.context = port, True, ssl.create_default_context(cafile=str(file))
            end = time.monotonic() + WAIT
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    assert time.monotonic() < end and proxy.poll() is None, (tmp_path / "nginx.log").read_text()
                    time.sleep(0.05)
            status, answer = service.ask(body=ATTEMPT, key=near)
            assert (status, answer["verdict"]) == (200, "deny")
            # What a client says of itself is not handed on.
            assert service.ask(key=far, **{"X-Forwarded-For": "203.0.113.7"})[1]["code"] == "auth.address"
            assert service.ask(key=near, **{"X-Forwarded-For": "203.0.113.7"})[0] == 200
            connection = service.connect()
            connection.request("GET", "/readyz")
            assert connection.getresponse().status == 403
            connection.close()
            service.port, service.tls = behind, False
        finally:
            proxy.terminate()
            proxy.wait(WAIT)

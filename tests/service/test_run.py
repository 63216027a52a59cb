"""The service as a process: how it starts, what it listens to, how it ends."""

import datetime
import ipaddress
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from dialguard.cli.main import main
from dialguard.service.keyfile import KeyFile
from tests.service.processes import ATTEMPT, WAIT, serving


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait(until) -> None:
    end = time.monotonic() + WAIT
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_with_no_configuration_it_makes_a_key_serves_and_ends(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        assert service.host == "127.0.0.1" and service.key
        service.ready()
        status, answer = service.ask()
        assert status == 200 and answer["verdict"] == "deny"
        assert service.ask(key="dg_00000000_" + "0" * 64)[1]["code"] == "auth.unknown"
        service.process.send_signal(signal.SIGHUP)
        assert service.ask()[0] == 200
        first = service.key
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(WAIT) == 0
        assert service.said.count(first) == 1
    with serving(tmp_path) as service:
        assert service.key is None
        service.ready()
        assert service.ask(key=first)[0] == 200
        service.process.send_signal(signal.SIGINT)
        assert service.process.wait(WAIT) == 0


def test_what_runs_is_finished_and_nothing_new_is_taken(tmp_path: Path) -> None:
    with serving(tmp_path) as service:
        service.ready()
        body = json.dumps(ATTEMPT).encode()
        head = f"POST /v1/check HTTP/1.1\r\nHost: here\r\nX-Other: 1\r\nAuthorization: Bearer {service.key}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with (
            socket.create_connection((service.host, service.port), WAIT) as running,
            socket.create_connection((service.host, service.port), WAIT) as idle,
        ):
            running.sendall(head + body[:10])
            assert service.ask("GET", "/healthz")[0] == 200  # by now it has read the above
            service.process.send_signal(signal.SIGTERM)
            assert idle.recv(100) == b""
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((service.host, service.port), WAIT)
            running.sendall(body[10:])
            answer = b""
            while piece := running.recv(100_000):
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 ") and b'"verdict":"deny"' in answer
        assert service.process.wait(WAIT) == 0


def test_it_does_not_wait_for_ever_for_what_runs(tmp_path: Path) -> None:
    with serving(tmp_path, config=f'folder = "{tmp_path}"\nstop_within = 1\n') as service:
        service.ready()
        with socket.create_connection((service.host, service.port), WAIT) as running:
            running.sendall(
                f"POST /v1/check HTTP/1.1\r\nHost: here\r\nX-Other: 1\r\nAuthorization: Bearer {service.key}\r\nContent-Length: 9\r\n\r\n".encode()
            )
            assert service.ask("GET", "/healthz")[0] == 200
            service.process.send_signal(signal.SIGTERM)
            assert service.process.wait(WAIT) == 0


def test_workers_share_the_port_are_replaced_and_end_together(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        wait(lambda: len(service.workers()) == 2)
        service.ready(2)
        before = service.workers()
        os.kill(next(iter(before)), signal.SIGKILL)
        wait(lambda: len(service.workers()) == 2 and service.workers() != before)
        service.ready(3)
        _, token = KeyFile(tmp_path).create(scopes=["check"])
        wait(lambda: [service.ask(key=token)[0] for _ in range(10)].count(200) == 10)
        workers = service.workers()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(WAIT) == 0
        assert all(map(gone, workers))


def test_a_hang_up_changes_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        service.ready(2)
        before = service.workers()
        for pid in (service.process.pid, *before):
            os.kill(pid, signal.SIGHUP)
        for _ in range(20):
            time.sleep(0.1)  # the first process looks at its signals every half second
            assert service.ask()[0] == 200
        assert service.workers() == before


def test_no_worker_outlives_a_killed_parent(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        wait(lambda: len(service.workers()) == 2)
        service.ready(2)
        workers = service.workers()
        service.process.kill()
        service.process.wait(WAIT)
        wait(lambda: all(map(gone, workers)))


def certificate(folder: Path, name: str = "tls") -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime(2020, 1, 1)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now).not_valid_after(datetime.datetime(2099, 1, 1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return files


@pytest.mark.parametrize("workers", [1, 2])
def test_tls_by_file(tmp_path: Path, workers: int) -> None:
    file, _ = certificate(tmp_path)
    settings = f'folder = "."\nworkers = {workers}\n[tls]\ncertificate = "tls.crt"\nkey = "tls.key"\n'
    with serving(tmp_path, config=settings) as service:
        assert service.tls
        service.context = ssl.create_default_context(cafile=str(file))
        service.ready(workers)
        assert service.ask()[0] == 200
        service.context = ssl.create_default_context()
        with pytest.raises(ssl.SSLCertVerificationError):
            service.ask()
        with socket.create_connection((service.host, service.port), WAIT) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            assert not plain.recv(1000).startswith(b"HTTP/1.1 200")


def test_a_proxy_is_believed_where_it_is_trusted(tmp_path: Path) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], addresses=["203.0.113.7"])
    with serving(tmp_path, config='folder = "."\n[proxy]\ntrusted = ["127.0.0.0/8"]\n') as service:
        service.ready()
        for forwarded, status in [
            ("203.0.113.7", 200), ("198.51.100.1, 203.0.113.7", 200), ("203.0.113.7, 127.0.0.1", 200), ("198.51.100.1", 403),
            ("203.0.113.7, 198.51.100.1", 403), ("nonsense", 403), ("", 403),
        ]:  # fmt: skip
            assert (forwarded, service.ask(key=token, **{"X-Forwarded-For": forwarded})[0]) == (forwarded, status)
        assert service.ask(key=token)[0] == 403


def test_nobody_else_is_believed(tmp_path: Path) -> None:
    _, token = KeyFile(tmp_path).create(scopes=["check"], addresses=["203.0.113.7"])
    _, local = KeyFile(tmp_path).create(scopes=["check"], addresses=["127.0.0.1"])
    with serving(tmp_path, config='folder = "."\n[proxy]\ntrusted = ["10.0.0.0/8"]\n') as service:
        service.ready()
        assert service.ask(key=token, **{"X-Forwarded-For": "203.0.113.7"})[0] == 403
        assert service.ask(key=local, **{"X-Forwarded-For": "203.0.113.7"})[0] == 200


def refused(folder: Path, text: str, *options: str) -> str:
    (folder / "service.toml").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "dialguard", "serve", "--config", str(folder / "service.toml"), *options],
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert done.returncode == 2 and done.stdout == "" and "Traceback" not in done.stderr
    return done.stderr


def test_what_cannot_be_served_is_told_at_once(tmp_path: Path) -> None:
    file, key = certificate(tmp_path)
    _, other = certificate(tmp_path, "other")
    assert "tls" in refused(tmp_path, f'folder = "."\n[tls]\ncertificate = "{file}"\nkey = "{other}"\n', "--port", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen on 127.0.0.1:{port}" in refused(tmp_path, f'folder = "."\nlisten = "127.0.0.1:{port}"\n')
    (tmp_path / "file").write_text("")
    assert "keys.sqlite cannot be opened" in refused(tmp_path, 'folder = "file"\n', "--port", "0")


def test_rules_that_cannot_be_used_leave_it_not_ready_and_are_taken_once_mended(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    rule = tmp_path / "mine" / "x.yaml"
    rule.write_text("rules: [")
    with serving(tmp_path, config='folder = "."\nrules = ["mine"]\n') as service:
        service.until("no rules serve: .*x.yaml")
        assert service.ask("GET", "/readyz")[1]["code"] == "service.not_ready"
        assert (service.ask()[0], service.ask()[1]["code"]) == (503, "service.not_ready")
        assert service.ask("GET", "/healthz")[0] == 200
        rule.unlink()
        service.ready()
        assert service.ask()[0] == 200


def test_only_whole_answers_are_given_while_it_stops(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2") as service:
        wait(lambda: len(service.workers()) == 2)
        service.ready(2)
        wrong, whole = [], []

        def client() -> None:
            connection = service.connect()
            body = json.dumps(ATTEMPT).encode()
            try:
                while True:
                    connection.request("POST", "/v1/check", body, {"Authorization": f"Bearer {service.key}"})
                    answer = connection.getresponse()
                    if answer.status != 200 or json.loads(answer.read())["verdict"] != "deny":
                        wrong.append(answer.status)
                    whole.append(1)
            except (OSError, ConnectionError) as error:
                if type(error).__name__ not in ("RemoteDisconnected", "ConnectionResetError", "ConnectionRefusedError", "BrokenPipeError"):
                    wrong.append(repr(error))
            except Exception as error:
                wrong.append(repr(error))

        threads = [threading.Thread(target=client) for _ in range(6)]
        for thread in threads:
            thread.start()
        wait(lambda: len(whole) > 200)
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(WAIT) == 0
        for thread in threads:
            thread.join(WAIT)
        assert wrong == []


def test_a_configuration_can_be_tried(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "service.toml"
    file.write_text("workers = 2\n")
    assert main(["serve", "--config", str(file), "--check"]) == 0
    assert capsys.readouterr().out == "the configuration can be used\n"
    file.write_text("workers = 0\ncolour = 1\n")
    assert main(["serve", "--config", str(file), "--check"]) == 2
    assert capsys.readouterr().err == (
        "dialguard: the configuration cannot be used\n"
        f"  {file}:1: workers: found 0; input should be greater than or equal to 1\n"
        f"  {file}:2: colour: there is no such key\n"
    )

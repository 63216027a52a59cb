"""The configuration file: every mistake at once, each with its line; nothing in it is guessed."""

import pickle
from pathlib import Path

import pytest

from dialguard.service.config import Address, ConfigError, Settings, changed, load


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "service.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load(file)
    return [problem.removeprefix(f"{file}:") for problem in raised.value.problems]


def test_an_empty_file_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIALGUARD_STORE", str(tmp_path / "store"))
    (tmp_path / "service.toml").write_text("")
    found = load(tmp_path / "service.toml")
    assert found == Settings()
    assert (found.listen.host, found.listen.port, found.workers, found.folder) == ("127.0.0.1", 8080, 1, tmp_path / "store")
    assert (found.tls, found.agi, found.sip, found.events.on, found.decisions.numbers) == (None, None, None, False, "sealed")


def test_what_it_names_relatively_lies_beside_it(tmp_path: Path) -> None:
    for name in ("a.crt", "a.key"):
        (tmp_path / name).touch()
    (tmp_path / "mine").mkdir()
    (tmp_path / "service.toml").write_text('folder = "data"\nrules = ["mine"]\n[tls]\ncertificate = "a.crt"\nkey = "a.key"\n')
    found = load(tmp_path / "service.toml")
    assert (found.folder, found.rules, found.tls.certificate) == (tmp_path / "data", [tmp_path / "mine"], tmp_path / "a.crt")
    assert pickle.loads(pickle.dumps(found)) == found  # worker processes get it so


def test_every_mistake_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    text = """listen = "8080"
workers = 0
colour = 1

[limits]
connections = "many"
rate = -1

[tls]
certificate = "a.crt"

[disable]
"us.fcc.x" = ""

[tenants.Acme]
store = "http://user:secret@x"

[tenants.b]
store = "redis://:secret@h:1/x"
colour = 3

[agi]
listen = "[::1]:70000"

[proxy]
trusted = ["10.0.0.0/8", "10.0.0.1/8"]
"""
    found = problems(tmp_path, text)
    assert found == [
        "1: listen: found '8080'; expected host:port, such as 127.0.0.1:8080 or [::1]:8080",
        "2: workers: found 0; input should be greater than or equal to 1",
        "3: colour: there is no such key",
        "6: limits.connections: found 'many'; input should be a valid integer",
        "7: limits.rate: found -1; input should be greater than or equal to 0",
        "9: tls.key: missing",
        "13: disable.us.fcc.x: found ''; string should have at least 1 character",
        "15: tenants.Acme: found 'Acme'; the tenant 'Acme': expected small letters, digits and hyphens, at most 63, such as acme-west",
        "16: tenants.Acme.store: expected redis://host:6379/0, rediss:// or unix://; a tenant's folder is tenants/NAME in the service's folder",
        "20: tenants.b.colour: there is no such key",
        "23: agi.listen: found '[::1]:70000'; expected host:port, such as 127.0.0.1:8080 or [::1]:8080",
        "26: proxy.trusted.1: found '10.0.0.1/8'; expected an address such as 10.0.0.7, or a network such as 10.0.0.0/8",
    ]
    assert "secret" not in "".join(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = ", " no TOML: Invalid value (at end of document)"),
        ('folder = "x"\nfolder = "y"', " no TOML: Cannot overwrite a value"),
        ('workers = "2"', "1: workers: found '2'; input should be a valid integer"),
        ("workers = true", "1: workers: found True; input should be a valid integer"),
        ('rules = ["nowhere"]', " rules: there is no folder {folder}/nowhere"),
        ('[tls]\ncertificate = "a"\nkey = "b"', " tls.certificate: there is no file {folder}/a"),
    ],
)
def test_a_mistake_alone(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text)[0].startswith(problem.format(folder=tmp_path))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("redis://h:6379/0", "redis://h", True), ("redis://a:b@h/0", "redis://c:d@h:6379", True), ("redis://h/0", "redis://h/1", False),
        ("redis://h/0", "rediss://h/0", True), ("redis://h/0", "redis://i/0", False), ("unix:///r.sock?db=1", "unix:///r.sock?db=2", False),
        ("unix:///r.sock", "unix:///r.sock", True), ("redis://h/0?timeout=1", "redis://h/0", True),
    ],
)  # fmt: skip
def test_two_tenants_have_no_redis_in_common(tmp_path: Path, first: str, second: str, same: bool) -> None:
    text = f'[tenants.a]\nstore = "{first}"\n[tenants.b]\nstore = "{second}"\n'
    if same:
        assert problems(tmp_path, text) == [
            " tenants.b.store: the tenant a has the same Redis; each needs one of its own, or its own database number"
        ]
    else:
        (tmp_path / "service.toml").write_text(text)
        load(tmp_path / "service.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b'a = "\xff"')
    with pytest.raises(ConfigError, match="byte 6 is not valid UTF-8"):
        load(tmp_path / "bad.toml")


def test_the_command_line_counts_more(tmp_path: Path) -> None:
    settings = Settings(workers=3, folder=tmp_path, disable={"r": "why"})
    assert changed(settings, None, None, None, None) == settings
    found = changed(settings, "::1", 0, 2, str(tmp_path / "x"))
    assert (found.listen, found.listen.host, found.listen.port) == (Address("[::1]:0"), "::1", 0)
    assert (found.workers, found.folder, found.disable) == (2, tmp_path / "x", {"r": "why"})
    found = changed(settings, None, None, None, "redis://h:1/0")
    assert found.tenants["default"].store == "redis://h:1/0" and found.folder == tmp_path
    with pytest.raises(ConfigError, match="workers: found 0") as raised:
        changed(settings, "a b", None, 0, None)
    assert len(raised.value.problems) == 2

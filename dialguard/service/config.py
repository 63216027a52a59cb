"""The service's configuration: one TOML file, every key of it optional. ``docs/guides/service.md`` shows all of them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dialguard.opening import default_store
from dialguard.service.keyfile import DEFAULT, KeyFileError, tenant_name

_SECRET = {"store", "webhook", "witness", "auth_tokens"}
"""Keys whose values may hold a password, and are not shown."""


class ConfigError(ValueError):
    """A configuration that cannot be used; ``problems`` are all its mistakes, a line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


class Address(str):
    """``host:port``; the host of an IPv6 address stands in brackets."""

    @property
    def host(self) -> str:
        """The host, without brackets."""
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port; 0 is any that is free."""
        return int(self.rpartition(":")[2])


def _address(text: object) -> object:
    if (
        not isinstance(text, str)
        or not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]]+):\d{1,5}", text)
        or int(text.rpartition(":")[2]) > 65_535
    ):
        raise ValueError("expected host:port, such as 127.0.0.1:8080 or [::1]:8080")
    return Address(text)


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError("expected an address such as 10.0.0.7, or a network such as 10.0.0.0/8") from None


def _web(text: str) -> str:
    if urlsplit(text).scheme not in ("http", "https") or not urlsplit(text).hostname:
        raise ValueError("expected a URL such as https://alarms.example.com/dialguard")
    return text


def _hop(text: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(:\d{1,5})?", text):
        raise ValueError("expected a host such as sbc.example.com, or with its port sbc.example.com:5060")
    return text


def _store(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("expected redis://host:6379/0, rediss:// or unix://; a tenant's folder is tenants/NAME in the service's folder")
    return text


def _public(text: str) -> str:
    from dialguard.packs.signing import public_key

    return public_key(text)


def _tenant(text: str) -> str:
    try:
        return tenant_name(text)
    except KeyFileError as error:
        raise ValueError(str(error)) from None


Listen = Annotated[Any, BeforeValidator(_address)]
File = Annotated[Path, Field(strict=False)]
Seconds = Annotated[float, Field(gt=0, le=3600, strict=False)]
Networks = list[Annotated[str, AfterValidator(_network)]]
Tenant = Annotated[str, AfterValidator(_tenant)]


class Table(BaseModel):
    """Unknown keys are mistakes, and words are not turned into numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Tls(Table):
    """``[tls]``: files in PEM."""

    certificate: File
    key: File


class Proxy(Table):
    """``[proxy]``: who may say with X-Forwarded-For whose request it is."""

    trusted: Networks = []


class Limits(Table):
    """``[limits]``, of each worker; a request past one of them is refused at once."""

    connections: int = Field(1000, ge=1, le=100_000)
    waiting: int = Field(2000, ge=1, le=100_000)
    """Attempts that wait for a tenant's desk."""
    header: int = Field(32_768, ge=1024, le=1_000_000)
    """Bytes of a request's line and headers."""
    slow: Seconds = 10.0
    """Seconds in which headers must have come; and of each such stretch a body must bring a thousand bytes."""
    idle: int = Field(60, ge=1, le=3600)
    """Seconds for which a connection is kept between two requests, and a client may leave its answers unread."""
    rate: float = Field(0.0, ge=0, le=1e6, strict=False)
    """Requests a second of a key that has no limit of its own; 0: as many as it likes."""


class Decisions(Table):
    """``[decisions]``: the decision log."""

    numbers: Literal["sealed", "masked", "clear"] = "sealed"
    sync: Literal["process", "strict"] = "process"
    witness: str | None = None
    """A file elsewhere, or a URL, that each checkpoint goes to as well."""


class PackSettings(Table):
    """``[packs]``: the rules."""

    signed_by: list[Annotated[str, AfterValidator(_public)]] = []
    """Public keys, one of which must have signed each folder of ``rules``; none: they need no signature."""
    stale_hours: float = Field(72.0, gt=0, le=8760, strict=False)
    """For how long rules may serve that are no longer what the folders hold."""


class Events(Table):
    """``[events]``: event rules, which need the extra ``events``."""

    on: bool = False


class Alarms(Table):
    """``[alarms]``: where alarms are sent to."""

    webhook: Annotated[str, AfterValidator(_web)] | None = None
    secret: str = ""
    """By which its receiver knows that an alarm is ours (HMAC-SHA256)."""


class Agi(Table):
    """``[agi]``: FastAGI for Asterisk, which knows no keys; so the peers are named."""

    listen: Listen = Address("127.0.0.1:4573")
    peers: Networks = ["127.0.0.0/8", "::1/128"]
    tenant: Tenant = DEFAULT


class Sip(Table):
    """``[sip]``: the redirect server, which knows no keys either."""

    listen: Listen = Address("127.0.0.1:5060")
    peers: Networks = ["127.0.0.0/8", "::1/128"]
    tenant: Tenant = DEFAULT
    campaign: Annotated[str, Field(min_length=1)] | None = None
    """Of calls that name none."""
    next_hop: Annotated[str, AfterValidator(_hop)]
    """Host, or host:port, at which an allowed call goes on."""


class TwilioNumber(Table):
    """``[twilio.TENANT.numbers."+13055550100"]``: who sends from a number, a short code or a messaging service (``MG...``)."""

    seller: Annotated[str, Field(min_length=1, max_length=1000)]
    name: str | None = None
    """What a confirmation calls the seller; the id where it is left out."""
    campaign: str | None = None
    help: Annotated[str, Field(max_length=1600)] | None = None
    """What is answered to HELP."""


class Twilio(Table):
    """``[twilio.TENANT]``: the Twilio account whose webhooks are heard for a tenant."""

    auth_tokens: Annotated[list[Annotated[str, Field(min_length=8)]], Field(min_length=1)]
    """Each signs; more than one while tokens are changed, or for subaccounts."""
    url: Annotated[str, AfterValidator(_web)] | None = None
    """What stands before ``/twilio/...`` in the addresses that Twilio was given, where a proxy changes it."""
    numbers: dict[str, TwilioNumber] = {}


class TenantTable(Table):
    """``[tenants.NAME]``: a tenant whose look-ups go to a Redis; its record stays in its folder."""

    store: Annotated[str, AfterValidator(_store)] | None = None


class Settings(Table):
    """The whole file."""

    listen: Listen = Address("127.0.0.1:8080")
    workers: int = Field(1, ge=1, le=64)
    folder: File = Field(default_factory=lambda: Path(default_store()))
    rules: list[File] = []
    stop_within: int = Field(20, ge=1, le=600)
    """Seconds that requests under way are given at the end."""
    disable: dict[str, Annotated[str, Field(min_length=1)]] = {}
    """Disputed rules that are switched off, each with the reason."""
    tls: Tls | None = None
    proxy: Proxy = Proxy()
    limits: Limits = Limits()
    decisions: Decisions = Decisions()
    packs: PackSettings = PackSettings()
    events: Events = Events()
    alarms: Alarms = Alarms()
    agi: Agi | None = None
    sip: Sip | None = None
    twilio: dict[Tenant, Twilio] = {}
    tenants: dict[Tenant, TenantTable] = {}


def load(path: Path) -> Settings:
    """The settings of a file; what it names relatively lies beside it. Raises ConfigError naming every mistake with its line."""
    try:
        text = path.read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start + 1} is not valid UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path}: no TOML: {error}"]) from None
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        told = [(_line(text, place := _place_of(problem)), place, problem) for problem in error.errors()]
        raise ConfigError([_told(path, *each) for each in sorted(told, key=lambda each: each[0] or 0)]) from None
    base = path.absolute().parent
    tls = settings.tls and settings.tls.model_copy(update={"certificate": base / settings.tls.certificate, "key": base / settings.tls.key})
    settings = settings.model_copy(
        update={"folder": base / settings.folder.expanduser(), "rules": [base / each for each in settings.rules], "tls": tls}
    )
    problems = usable(settings)
    if problems:
        raise ConfigError([f"{path}: {problem}" for problem in problems])
    return settings


def changed(settings: Settings, host: str | None, port: int | None, workers: int | None, store: str | None) -> Settings:
    """Settings with what a command line says otherwise. Raises ConfigError."""
    here = settings.listen
    host = here.rpartition(":")[0] if host is None else f"[{host}]" if ":" in host else host
    data = settings.model_dump(exclude_unset=True) | {"listen": f"{host}:{here.port if port is None else port}"}
    if workers is not None:
        data["workers"] = workers
    if store is not None and "://" in store:
        data["tenants"] = data.get("tenants", {}) | {DEFAULT: {"store": store}}
    elif store is not None:
        data["folder"] = Path(store)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_told(None, None, _place_of(problem), problem) for problem in error.errors()]) from None


def usable(settings: Settings) -> list[str]:
    """What settings name that is not there, or must not be so."""
    found = [f"rules: there is no folder {folder}" for folder in settings.rules if not folder.is_dir()]
    if settings.tls is not None:
        found += [f"tls.{name}: there is no file {path}" for name, path in settings.tls if not path.is_file()]
    stores: dict[str, str] = {}
    for name, tenant in settings.tenants.items():
        if tenant.store is not None:
            place = _place(tenant.store)
            if place in stores:
                found.append(
                    f"tenants.{name}.store: the tenant {stores[place]} has the same Redis; each needs one of its own, or its own database number"
                )
            stores[place] = name
    return found


def _place(url: str) -> str:
    """What tells one Redis database from another, without user and password."""
    parts = urlsplit(url)
    return (
        f"{parts.hostname}:{parts.port or 6379}{parts.path.rstrip('/') or '/0'}"
        if parts.scheme != "unix"
        else f"{parts.path}?{parts.query}"
    )


def _place_of(problem: Mapping[str, Any]) -> list[str]:
    return [str(part) for part in problem["loc"] if part != "[key]"]


def _told(path: Path | None, line: int | None, place: Sequence[str], problem: Mapping[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        message = "there is no such key"
    elif problem["type"] == "missing":
        message = "missing"
    elif not _SECRET & set(place) and isinstance(problem["input"], (str, int, float)):
        message = f"found {problem['input']!r:.60}; {message[:1].lower()}{message[1:]}"
    where = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
    return f"{where}{'.'.join(place)}: {message}"


def _line(text: str, place: Sequence[str]) -> int | None:
    """The line of a key, or of the nearest table around it that is written out."""
    table: list[str] = []
    best, found = 0, None
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+([^\]]+)\]", line)
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if header:
            table = _names(header[1])
            here = table
        elif key:
            here = [*table, *_names(key[1])]
        else:
            continue
        if len(here) > best and here == list(place[: len(here)]):
            best, found = len(here), number
    return found


def _names(dotted: str) -> list[str]:
    return [plain or quoted for quoted, plain in re.findall(r"[\"']([^\"']*)[\"']|([\w-]+)", dotted)]

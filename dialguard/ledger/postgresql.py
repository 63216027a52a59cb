"""The one place for what is particular to PostgreSQL: settings of a connection, locks, guards, error codes."""

from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from dialguard.ledger.schema import IMPORTS, METADATA
from dialguard.ledger.sqlite import READ_TIMEOUT_MS

DRIVER = "postgresql+psycopg"
INSTALL = "its driver is missing; install it: pip install 'dialguard[postgresql]'"
HIDDEN = "shows this user no schema; check search_path, and give this user the rights to its schema"
_MAKING = 5_147_093_261_020_310_264
"""The number of the advisory lock under which tables are made and changed."""
_ORDER = _MAKING + 2**32
"""That under which entries are written, each schema's within 2**31 of it."""


_STATEMENT_S = 30
TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
"""The server's time, in microseconds."""


def engine_options(url: URL) -> dict[str, Any]:
    """Options of the engine: every look-up is several statements over one state of the record, and no wait is without an end.

    A reader waits a quarter of a second for a lock, as with SQLite, and ends after half a minute. Statements are planned for
    their values: a plan for any five hundred numbers compares each row with all of them.
    """
    settings = (
        f"-c lock_timeout={READ_TIMEOUT_MS} -c statement_timeout={_STATEMENT_S * 1000} "
        "-c timezone=UTC -c plan_cache_mode=force_custom_plan"
    )
    args = {
        "connect_timeout": 3, "tcp_user_timeout": 5000, "keepalives_idle": 10, "application_name": "dialguard",
        "options": " ".join((settings, *_listed(url.query.get("options", ())))),
    }  # fmt: skip
    return {"connect_args": args, "isolation_level": "REPEATABLE READ"}


def _listed(options: str | tuple[str, ...]) -> tuple[str, ...]:
    """The user's own settings, which come last and hold."""
    return (options,) if isinstance(options, str) else options


def is_hidden(connection: Connection) -> bool:
    """Whether this user sees no schema at all, so that tables which are not found may well be there."""
    return connection.exec_driver_sql("SELECT current_schema()").scalar() is None


def set_timeout(connection: Connection, seconds: float) -> None:
    """How long this transaction waits for a lock."""
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(seconds * 1000)}")
    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(max(2 * seconds, _STATEMENT_S) * 1000)}")


def lock_making(connection: Connection, seconds: float) -> None:
    """Waits until no one else makes tables. Held across transactions: one that waited would see the state before."""
    with connection.begin():
        set_timeout(connection, seconds)
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _MAKING})


def unlock_making(connection: Connection) -> None:
    """Lets others make tables."""
    with connection.begin():
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _MAKING})


def lock_imports(connection: Connection) -> None:
    """One import at a time; the first statement of its transaction, which takes its state once it is alone."""
    connection.exec_driver_sql(f"LOCK TABLE {IMPORTS.name} IN EXCLUSIVE MODE")


def lock_order(connection: Connection) -> None:
    """One transaction writes entries of a record at a time, so that they come to be seen in the order of their ids: whoever follows
    the record asks for those after the last one seen."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key + hashtext(current_schema()))"), {"key": _ORDER})


def forbid_changes(connection: Connection) -> None:
    """Makes the database itself refuse to update or delete what was recorded."""
    connection.exec_driver_sql(
        "CREATE OR REPLACE FUNCTION dialguard_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the record is append-only'; END $$"
    )
    guarded = connection.exec_driver_sql(
        "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
        "WHERE c.relnamespace = current_schema()::regnamespace AND t.tgname = c.relname || '_no_change'"
    )
    there = set(guarded.scalars())
    for table in METADATA.sorted_tables:
        if table.name in there:  # to make it anew would lock the table against readers
            continue
        connection.exec_driver_sql(
            f"CREATE TRIGGER {table.name}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION dialguard_append_only()"
        )


def allow_changes(connection: Connection) -> None:
    """Lets the rest of this transaction change what was recorded, until changes are forbidden again."""
    for table in METADATA.sorted_tables:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table.name}_no_change ON {table.name}")


def name_of(url: URL) -> str:
    """The database as messages name it: no user, no password."""
    where = url.host or url.query.get("host") or "(local)"
    return f"the ledger {url.get_backend_name()}://{where}{f':{url.port}' if url.port else ''}/{url.database or ''}"


_BY_CLASS = {
    "42": "refused the statement; give this user the rights to its tables, and to make them",
    "53": "has no room left (disk, memory or connections); free some and try again",
    "57": "did not answer in time, or is being shut down; try again",
}
_BY_CODE = {
    "42P01": "lacks a table that it had; was it dropped?",
    "55P03": "is locked by another process; try again when its work is done",
    "25006": "is read-only (a standby?); connect to the primary",
    "40001": "was changed by another at the same time; try again",
    "40P01": "was changed by another at the same time; try again",
}


def collided(error: BaseException) -> bool:
    """Whether the server undid a transaction because of another at the same moment."""
    return getattr(error, "sqlstate", None) in ("40001", "40P01")


def explain(error: BaseException, name: str) -> str:
    """What a driver's error means and what to do, in one line; never its own text, which may quote the values of a row."""
    code = getattr(error, "sqlstate", None)
    if code is None:
        todo = "check that the server runs, and host, port, database, user and password"
        return f"{name} cannot be reached or refused the connection; {todo}"
    told = _BY_CODE.get(code) or _BY_CLASS.get(code[:2])
    return f"{name} {told}" if told else f"{name}: {type(error).__name__} ({code})"

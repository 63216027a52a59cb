"""The tables of the record. Every entry has ``valid_at`` (when true) and ``known_at`` (when recorded).

Rows are only ever added, but for the erasure of a number, which empties them in place (``erasing``). ``supersedes``
points at the entry that a row corrects, ``void`` marks a row that only takes one back; that at most one row may replace
another is a unique index, so that two writers cannot both correct an entry.

``ADDED`` says what each version of the schema brought: an older record is brought up to this one by its first write, in
one transaction, and is read as it is until then. Columns and tables are only ever added.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
)

VERSION = 4
ADDED: dict[int, dict[str, tuple[str, ...]]] = {
    2: {
        "consents": (
            "name", "purpose", "source", "wording_hash", "page", "call", "certificate_url", "certificate_expires_at", "evidence_digest",
        ),
        "revocations": ("words", "received_at"),
        "imports": (),
        "wordings": (),
    },
    3: {"pauses": ()},
    4: {"internal_dnc": ("reason",), "erasure_keys": ()},
}
"""From a version to the columns that it added to each table; no columns: the table itself is new."""

METADATA = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only where the type is INTEGER


def _moments(*names: str) -> list[Column]:
    return [Column(name, BigInteger) for name in names]


def _texts(*names: str) -> list[Column]:
    return [Column(name, Text) for name in names]


def _flags(*names: str) -> list[Column]:
    return [Column(name, SmallInteger, quote=name == "current") for name in names]  # `current` is a word of SQL


def _entries(name: str, *columns: Column) -> Table:
    """A table of entries about one number, with the indexes by which it is read."""
    table = Table(
        name,
        METADATA,
        Column("id", _Id, primary_key=True),
        Column("seller", Text, nullable=False),
        Column("number", Text, nullable=False),
        Column("person", Text),
        Column("valid_at", BigInteger, nullable=False),
        Column("known_at", BigInteger, nullable=False),
        Column("supersedes", _Id, ForeignKey(f"{name}.id")),
        Column("void", SmallInteger, nullable=False),
        *columns,
    )
    Index(f"{name}_by_number", table.c.seller, table.c.number, table.c.valid_at)
    named, replacing = table.c.person.is_not(None), table.c.supersedes.is_not(None)
    Index(
        f"{name}_by_person",
        table.c.seller,
        table.c.person,
        table.c.number,
        sqlite_where=named,
        postgresql_where=named,
    )
    Index(f"{name}_replaced", table.c.supersedes, unique=True, sqlite_where=replacing, postgresql_where=replacing)
    return table


CONSENTS = _entries(
    "consents",
    *_texts("level", "form", "covers"),
    *_moments("obtained_at", "requested_at", "expires_at"),
    *_texts("channels", "reference"),
    *_texts("name", "purpose", "source", "wording_hash", "page", "call", "certificate_url"),
    *_moments("certificate_expires_at"),
    *_texts("evidence_digest"),
)
REVOCATIONS = _entries(
    "revocations", *_texts("scope", "subject", "channel", "means"), *_texts("words"), *_moments("received_at")
)
RELATIONSHIPS = _entries(
    "relationships",
    *_moments("last_transaction_at", "last_inquiry_at", "ended_at", "donor_at"),
    *_flags("current", "open_contract", "member", "personal"),
)
INTERNAL_DNC = _entries("internal_dnc", *_texts("action", "scope", "reason"))
CONTACTS = _entries(
    "contacts",
    *_texts("agreed_hours", "inconvenient"),
    *_flags("at_work", "employer_forbids", "attorney"),
    *_moments("ceased_at", "last_inbound_at", "conversation_at"),
)
ATTEMPTS = _entries(
    "attempts",
    *_texts("channel", "purpose", "subject", "voice", "outcome", "debt", "from_number", "reference"),
)
_referenced = ATTEMPTS.c.reference.is_not(None)
Index(
    "attempts_by_reference",
    ATTEMPTS.c.seller,
    ATTEMPTS.c.reference,
    sqlite_where=_referenced,
    postgresql_where=_referenced,
)
OUTCOMES = Table(
    "outcomes",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("attempt_id", _Id, ForeignKey("attempts.id"), nullable=False, index=True),
    Column("outcome", Text, nullable=False),
    Column("valid_at", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
)
DECLARATIONS = Table(
    "declarations",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("since", BigInteger),
    Column("valid_at", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Index("declarations_by_seller", "seller", "known_at"),
)
PAUSES = Table(
    "pauses",
    METADATA,
    Column("id", _Id, primary_key=True),
    Column("seller", Text, nullable=False),
    Column("campaign", Text),
    Column("action", Text, nullable=False),
    Column("valid_at", BigInteger, nullable=False),
    Column("known_at", BigInteger, nullable=False),
    Column("until", BigInteger),
    *_texts("reason", "actor"),
    Index("pauses_by_seller", "seller", "known_at"),
)
"""Pauses of campaigns, and their ends: ``campaign`` None is all of the seller's, ``actor`` the rule or the person."""
IMPORTS = Table(
    "imports",
    METADATA,
    Column("seller", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("source_id", Text, primary_key=True),
    Column("entry_id", _Id, nullable=False),
    Column("digest", Text, nullable=False),
    Column("known_at", BigInteger, nullable=False),
)
"""Which entry came of which id of a file, so that a file may be imported twice. ``digest`` is of what its row said."""
WORDINGS = Table("wordings", METADATA, Column("hash", Text, primary_key=True), Column("wording", Text, nullable=False))
"""The wordings of consents, each once, by ``consents.wording_hash``; where only a hash was given there is none."""
ERASURE_KEYS = Table("erasure_keys", METADATA, Column("seller", Text, primary_key=True), Column("key", Text, primary_key=True))
"""By which keys the numbers erased from a seller's record are named: who lacks one of them does not know what is held."""
SCHEMA_VERSION = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

ENTRIES: dict[str, Table] = {
    "consent": CONSENTS,
    "revocation": REVOCATIONS,
    "relationship": RELATIONSHIPS,
    "internal": INTERNAL_DNC,
    "contact": CONTACTS,
    "attempt": ATTEMPTS,
}
"""The tables of the kinds of entry that belong to a number, in the order of ``rows.COLUMNS``."""
TABLES: dict[str, Table] = {**ENTRIES, "outcome": OUTCOMES, "declaration": DECLARATIONS, "pause": PAUSES}


def columns_of(table: Table, version: int) -> list[Column]:
    """The columns that a table has in a record of this version of the schema; none: it has no such table."""
    later = [added[table.name] for since, added in ADDED.items() if since > version and table.name in added]
    if () in later:
        return []
    names = {name for columns in later for name in columns}
    return [column for column in table.columns if column.name not in names]

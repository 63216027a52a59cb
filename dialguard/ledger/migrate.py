"""Making the tables of the record, and bringing those of an older version of the schema up to this one."""

from sqlalchemy import Connection, func, insert, inspect, select
from sqlalchemy.schema import CreateColumn

from dialguard.ledger.schema import ADDED, METADATA, SCHEMA_VERSION, VERSION


def migrate(connection: Connection) -> int:
    """Makes what is missing, inside the caller's transaction, and gives the version that was found, 0 for none.

    The version is read here, since another process may have been quicker. A newer one is left as it is.
    """
    present = 0
    if inspect(connection).has_table(SCHEMA_VERSION.name):
        present = connection.execute(select(func.max(SCHEMA_VERSION.c.version))).scalar() or 0
    if present >= VERSION:
        return present
    METADATA.create_all(connection)
    if present:
        quote = connection.dialect.identifier_preparer.quote
        for version in range(present + 1, VERSION + 1):
            for table, columns in ADDED[version].items():
                for column in columns:
                    written = CreateColumn(METADATA.tables[table].c[column]).compile(dialect=connection.dialect)
                    connection.exec_driver_sql(f"ALTER TABLE {quote(table)} ADD COLUMN {written}")
    connection.execute(insert(SCHEMA_VERSION), {"version": VERSION})
    return present

"""What the tests of the export share."""

from __future__ import annotations

from datetime import date

import pytest

from dialguard.export.law import Table, scope, table
from dialguard.packs.load import Packs, load

ON = date(2026, 11, 22).toordinal()


@pytest.fixture(scope="session")
def shipped() -> Packs:
    return load([])


@pytest.fixture(scope="session")
def strict(shipped: Packs) -> Table:
    """Telemarketing by voice, whatever the voice and however dialed."""
    return table(shipped, ON, scope("voice", "telemarketing"))


@pytest.fixture(scope="session")
def live(shipped: Packs) -> Table:
    """Telemarketing calls dialed by hand."""
    return table(shipped, ON, scope("voice", "telemarketing", "manual", "live"))

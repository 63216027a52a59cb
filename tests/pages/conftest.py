"""What the tests of the pages share."""

from __future__ import annotations

from datetime import date

import pytest

from dialguard.packs import account
from dialguard.packs.load import Packs, load, shipped_rules
from dialguard.pages.pages import pages

ON = date(2026, 11, 22).toordinal()


@pytest.fixture(scope="session")
def shipped() -> Packs:
    return load([])


@pytest.fixture(scope="session")
def undecided() -> dict[account.Fact, str]:
    every = account.facts(shipped_rules() / "facts-index.yaml")
    reasons = account.reasons(shipped_rules() / "not-decided.yaml", every)
    return {fact: reasons[fact.id] for fact in every if fact.id in reasons}


@pytest.fixture(scope="session")
def made(shipped: Packs, undecided: dict[account.Fact, str]) -> dict[str, str]:
    """All pages of the shipped law on 22 November 2026."""
    return pages(shipped, undecided, ON)

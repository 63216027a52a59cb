"""The page that describes the HTTP interface is the one that is made of it."""

from pathlib import Path

from dialguard.service.reference import page


def test_the_page_is_true() -> None:
    there = Path(__file__).resolve().parents[2] / "docs" / "http-api.md"
    assert there.read_text("utf-8") == page(), "make it anew: python -m dialguard.service.reference > docs/http-api.md"

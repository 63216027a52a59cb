"""What the tests of the list store share: a store folder, source files, an import with its usual arguments."""

from datetime import date
from pathlib import Path

import pytest

from dialguard.lists.importing import import_list

RECEIVED = 1_790_000_000_000_000  # 2026-09-21T14:13:20Z


@pytest.fixture
def root(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def source(tmp_path):
    """Writes a source file: text, bytes, or numbers as rows ``202,5550123``."""

    def write(content, name="list.txt") -> Path:
        if isinstance(content, (set, list, range)):
            content = "".join(f"{n // 10**7},{n % 10**7}\n" for n in content)
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def take(root, source):
    """Imports content (see ``source``) as list ``own`` with dates that tests rarely care about."""

    def run(content, code="own", name="list.txt", **options):
        path = content if isinstance(content, Path) else source(content, name)
        options.setdefault("published", date(2026, 9, 1))
        options.setdefault("received_at", RECEIVED)
        return import_list(root, code, path, **options)

    return run


@pytest.fixture
def tree(root):
    """Every file of the store with its content: to show that nothing changed."""

    def read():
        return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}

    return read

"""Where durable_rules is not there, what runs it is skipped by name."""

from importlib.util import find_spec
from pathlib import Path

import pytest

RUNS_IT = {"test_parity", "test_running", "test_events_command", "test_webhook"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if find_spec("durable") is None:
        skip = pytest.mark.skip(reason="durable_rules is not installed: building it needs a C compiler")
        for item in items:
            if item.path.parent == Path(__file__).parent and item.path.stem in RUNS_IT:
                item.add_marker(skip)

"""``python -m simulations.faults.service`` and ``simulations.soak``, short. DIALGUARD_KILLS=1000 takes the full number of kills."""

import os

import pytest

from dialguard.audit.log import DecisionLog
from simulations import soak
from simulations.faults import service as faults
from simulations.faults.table import put
from simulations.served import Reply
from tests.audit.conftest import body

KILLS = int(os.environ.get("DIALGUARD_KILLS", "6"))


def test_every_allow_that_came_is_recorded_however_often_it_is_killed(tmp_path):
    shown = faults.killed(tmp_path / "killed", KILLS)
    assert shown.wrong == 0 and int(shown.cells[2].replace(",", "")) > KILLS


@pytest.mark.parametrize("fault", [faults.full, faults.read_only])
def test_no_allow_without_its_record_and_it_clears_itself(tmp_path, fault):
    try:
        shown = fault(tmp_path / "disk", 3)
    except faults.Unmountable as error:
        pytest.skip(f"{error}: it takes root; tests/service/test_faults_within.py has writes fail without it")
    assert shown.wrong == 0


def test_an_allow_without_a_record_would_be_seen(tmp_path):
    with DecisionLog(tmp_path / "decisions") as log:
        log.append([body(log, "a1")])
    replies = [Reply(0, 0.001, 200, name, None, wrong) for name, wrong in (("d-a1", False), ("d-b2", False), ("d-c3", True))]
    shown = faults.line("x", replies, 0, tmp_path / "decisions", "")
    assert (shown.cells[5], shown.cells[6], shown.wrong) == ("1", "2", 3)


def test_a_section_takes_the_place_of_the_one_of_its_heading():
    page = "# Page\n\n## A\n\none\n\n## B\n\ntwo\n"
    assert put(page, "## A", "## A\n\nother\n") == "# Page\n\n## A\n\nother\n\n## B\n\ntwo\n"
    assert put(page, "## B", "## B\n\nother\n") == "# Page\n\n## A\n\none\n\n## B\n\nother\n"
    assert put(page, "## C", "## C\n\nthree\n") == page + "\n## C\n\nthree\n"


def test_a_short_soak_has_its_figures(tmp_path):
    found = soak.run(tmp_path / "served", 4, each=0.5, imports_each=0.5, trial=0.5)
    assert (found.wrong, found.lost) == (0, 0) and found.imports >= 1 and found.kinds[None] > 0
    assert found.samples and all(each.memory > 20 and each.descriptors > 5 and each.threads >= 1 for each in found.samples)
    assert "| memory, MB |" in soak.page(found, "command", 0.03)

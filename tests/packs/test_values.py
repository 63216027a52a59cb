"""The small notations of rule files, where other tests do not reach."""

import pytest

from dialguard.packs import values


def test_a_day_of_the_year_is_one_of_every_year() -> None:
    assert values.day_of_year("02-28") == (2, 28)
    assert values.day_of_year("03-01") == (3, 1)
    for wrong in ("02-29", "02-30", "13-01"):
        with pytest.raises(ValueError, match="expected"):
            values.day_of_year(wrong)

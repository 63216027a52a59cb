"""Local time: the compiled offset tables beside zoneinfo and pytz."""

from datetime import UTC, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytz

from benchmarks.timing import Contender, interleaved, ratio, show
from dialguard.facts.clock import local
from dialguard.facts.regions import ZONES
from dialguard.model.moment import SECOND, Instant

NUMBER = 5_000
FIRST, LAST = 1_577_836_800, 1_893_456_000  # 2020 to 2029
DAY = 1_772_546_400  # 2026-03-03 14:00 UTC; ten hours from there
Asked = tuple[Instant, str]
OURS, ZONEINFO, PYTZ = "dialguard", "zoneinfo", "pytz"
# Both keep zones that were used; held here, none of them is ever read from disk again.
_ZONEINFO = {zone: ZoneInfo(zone) for zone in ZONES}
_PYTZ = {zone: pytz.timezone(zone) for zone in ZONES}


def ours(asked: Asked) -> tuple[int, int, int]:
    """Local date, weekday and second of the day."""
    return local(*asked)[:3]


def by_zoneinfo(asked: Asked) -> tuple[int, int, int]:
    """The same by the standard library."""
    moment = datetime.fromtimestamp(asked[0] // SECOND, _ZONEINFO[asked[1]])
    return moment.toordinal(), moment.weekday(), moment.hour * 3600 + moment.minute * 60 + moment.second


def by_pytz(asked: Asked) -> tuple[int, int, int]:
    """The same by pytz, as its manual has it."""
    moment = datetime.fromtimestamp(asked[0] // SECOND, UTC).astimezone(_PYTZ[asked[1]])
    return moment.toordinal(), moment.weekday(), moment.hour * 3600 + moment.minute * 60 + moment.second


def run(rounds: int) -> None:
    """Compare the answers, time them in turns and print two tables."""
    random, zones = Random(1), sorted(ZONES)
    anywhere = [(random.randrange(FIRST, LAST) * SECOND, random.choice(zones)) for _ in range(NUMBER)]
    today = [(random.randrange(DAY, DAY + 36_000) * SECOND, random.choice(zones)) for _ in range(NUMBER)]
    for title, inputs in (("Local time, moments of one day", today), ("Local time, moments of ten years at random", anywhere)):
        for asked in inputs:
            if not ours(asked) == by_zoneinfo(asked) == by_pytz(asked):
                raise SystemExit(f"local time of {asked}: dialguard {ours(asked)}, zoneinfo {by_zoneinfo(asked)}, pytz {by_pytz(asked)}")
        calls = ((OURS, ours), (ZONEINFO, by_zoneinfo), (PYTZ, by_pytz))
        results = interleaved([Contender(name, call, inputs) for name, call in calls], rounds * 4)
        show(title, results, [f"{NUMBER:,} moments, all three agree; pytz takes {ratio(results, PYTZ, OURS):.1f} times as long"])

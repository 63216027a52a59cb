"""What `make demo` shows: Do-Not-Call lists are imported and a lead file is screened, all of it made up, in `demo/`."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from dialguard.facts import clock
from dialguard.packs.load import load
from dialguard.packs.rule import ListSchedule
from simulations import leads, registry, state_list
from simulations.population import STATE_POPULATION

FOLDER = Path("demo")
SEED = 7
ROWS = 200_000
REGISTERED = 300_000
# How many numbers a state's own list holds, where it is not SMALL_LIST.
STATE_LISTS = {"PA": 12_000, "FL": 15_000, "TX": 15_000, "IN": 8_000}
SMALL_LIST = 6_000
SELLER = "acme-windows"
CAMPAIGN = {
    "id": "spring-windows",
    "seller": SELLER,
    "purpose": "telemarketing",
    "subject": "window replacement",
    "dialing": "manual",
    "voice": "live",
    "registered_states": sorted(STATE_POPULATION),
}


def run(*arguments: str) -> None:
    """Print a `dialguard` command as a user would type it, then run it; end with its status if it fails."""
    print(f"\n$ dialguard {shlex.join(arguments)}", flush=True)
    status = subprocess.run([sys.executable, "-m", "dialguard", *arguments]).returncode
    if status:
        sys.exit(status)


def state_schedules() -> dict[str, ListSchedule]:
    """The states' own lists, by code, as the rule files declare them."""
    return {code: schedule for code, schedule in sorted(load([]).lists.items()) if code != "national"}


def last_published(schedule: ListSchedule, today: date) -> date:
    """The latest day of the year on which a list is published, a day before today where it has no such days."""
    days = [date(year, *day) for year in (today.year - 1, today.year) for day in schedule.publish_on]
    return max((day for day in days if day <= today), default=today - timedelta(days=1))


def next_morning(today: date) -> str:
    """Half past ten in New York on the next weekday: the West is not awake yet, so some may be called later."""
    day = today + timedelta(days=1)
    while day.weekday() > 4:
        day += timedelta(days=1)
    instant = clock.first_instant_at_or_after(day.toordinal(), 10 * 3600 + 30 * 60, "America/New_York")
    return clock.format_instant(instant, "America/New_York")


def make() -> None:
    """Write the lead file, the national registry, the state lists and the campaign."""
    shutil.rmtree(FOLDER / "store", ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    lead_file = FOLDER / "leads.tsv"
    leads.write(lead_file, ROWS, SEED)
    numbers = registry.lead_numbers(lead_file)
    # Registered leads by choice rather than chance, so that the demo shows what a list costs.
    held = registry.choose(numbers, 0.35, SEED)
    registry.write(FOLDER / "national.txt", registry.generate(REGISTERED, SEED, (), held, set(numbers) - held))
    lists = state_schedules()
    for state in lists:
        size = STATE_LISTS.get(state, SMALL_LIST)
        state_list.write(FOLDER / f"{state.lower()}.txt", state, size, SEED, numbers, share=0.1)
    (FOLDER / "campaign.json").write_text(json.dumps(CAMPAIGN, indent=2) + "\n", encoding="utf-8")
    print(f"Made {ROWS:,} leads, a national list of {REGISTERED:,} numbers and {len(lists)} state lists in {FOLDER}/")


def main() -> None:
    """Make the data, then run the commands."""
    make()
    today = datetime.now(UTC).date()
    store, campaign, result = str(FOLDER / "store"), str(FOLDER / "campaign.json"), FOLDER / "screened.csv"
    # Yesterday: where the sun sets last, it is still that day.
    fetched = str(today - timedelta(days=1))
    run("lists", "import", "national", str(FOLDER / "national.txt"), "--published", fetched, "--whole-plan", "--store", store)
    for state, schedule in state_schedules().items():
        file, published = str(FOLDER / f"{state.lower()}.txt"), str(last_published(schedule, today))
        run("lists", "import", state, file, "--published", published, "--store", store)
    run("ledger", "declare", "--seller", SELLER, "--since", "2020-01-01", "--store", store)
    at = next_morning(today)
    run("screen", str(FOLDER / "leads.tsv"), str(result), "--campaign", campaign, "--at", at, "--force", "--store", store)
    print(f"\nEvery lead with its verdict, reasons and next lawful moment: {result}")


if __name__ == "__main__":
    main()

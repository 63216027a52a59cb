"""Reading a telephone number: parse beside phonenumbers' parse and is_valid_number."""

from itertools import islice

import phonenumbers

from benchmarks import dials
from benchmarks.timing import Contender, interleaved, ratio, show
from dialguard.facts.numbers import parse

NUMBER = 5_000
OURS, THEIRS, PARSE = "dialguard parse", "phonenumbers parse and validate", "phonenumbers parse"
_NOT_DIALLED = ("invalid", "unassigned", "emergency", "service")


def theirs(text: str) -> bool:
    """Whether phonenumbers holds it to be a number of its plan."""
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def run(rounds: int) -> None:
    """Time them in turns on US numbers as people write them, and count where the verdicts differ."""
    inputs = list(islice(dials.numbers(1), NUMBER))
    contenders = [
        Contender(OURS, parse, inputs),
        Contender(PARSE, lambda text: phonenumbers.parse(text, "US"), inputs),
        Contender(THEIRS, theirs, inputs),
    ]
    results = interleaved(contenders, rounds * 4)
    differ = [text for text in inputs if (parse(text).kind not in _NOT_DIALLED) != theirs(text)]
    codes = sorted({parse(text).npa or "" for text in differ})
    notes = [
        f"parse and validate takes {ratio(results, THEIRS, OURS):.0f} times as long as dialguard",
        f"{len(differ)} of {NUMBER:,} numbers are judged differently, of the area codes {', '.join(codes) or 'none'} "
        "(phonenumbers takes none of their exchanges, or only some)",
    ]
    show("One telephone number", results, notes)

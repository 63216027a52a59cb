"""``python -m benchmarks [name ...] [--rounds N]``: all benchmarks, or those named."""

import argparse
import importlib

from benchmarks.timing import machine

NAMES = ("rules127", "one_attempt", "numbers", "bulk_numbers", "clock", "packs", "lists", "redis", "optouts", "decision_log", "bulk", "service")


def main() -> None:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the speed of DialGuard.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"one of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--rounds", type=int, default=15, help="how often each part is timed (15)")
    given = parser.parse_args()
    unknown = [name for name in given.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(NAMES)}")
    if given.rounds < 1:
        parser.error("--rounds takes a whole number from 1")
    print(machine())
    for name in given.names or NAMES:
        importlib.import_module(f"benchmarks.{name}").run(given.rounds)


if __name__ == "__main__":
    main()

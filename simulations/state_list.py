"""Made-up state Do-Not-Call lists, each in another of the layouts that such lists come in.

    python -m simulations.state_list PA OUT --numbers 20000 --include-from leads.tsv --share 0.1
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from simulations.population import area_codes
from simulations.registry import choose, generate, lead_numbers


def _bare(numbers: Iterable[str]) -> Iterator[str]:
    yield from (f"{n}\n" for n in numbers)


def _fl(numbers: Iterable[str]) -> Iterator[str]:
    yield "AreaCode,PhoneNumber,DateAdded\r\n"
    yield from (f"{n[:3]},{n[3:]},01/15/2025\r\n" for n in numbers)


def _tx(numbers: Iterable[str]) -> Iterator[str]:
    yield "PHONE|TYPE\n"
    yield from (f"{n}|{'W' if n[-1] in '02468' else 'R'}\n" for n in numbers)


def _in(numbers: Iterable[str]) -> Iterator[str]:
    yield from (f"{n[:3]}\t{n[3:]}\n" for n in numbers)


def _la(numbers: Iterable[str]) -> Iterator[str]:
    yield "Telephone\n"
    yield from (f"({n[:3]}) {n[3:6]}-{n[6:]}\n" for n in numbers)


def _mo(numbers: Iterable[str]) -> Iterator[str]:
    yield from (f"{n}  {'RES' if n[-1] in '02468' else 'MOB'}  20250115\r\n" for n in numbers)


# Bare numbers unless named here: FL with a header, two columns, a date and CRLF, TX with pipes, IN with tabs, LA formatted, MO
# of fixed width.
LAYOUTS: Mapping[str, Callable[[Iterable[str]], Iterator[str]]] = {"FL": _fl, "TX": _tx, "IN": _in, "LA": _la, "MO": _mo}


def write(path: Path, state: str, numbers: int, seed: int, leads: Sequence[str] = (), share: float = 0.1) -> None:
    """Write a state's list of `numbers` in its area codes, `share` of the leads there among them.

    Raises ValueError when the numbers are fewer than the leads to include.
    """
    codes = [code for code, row in area_codes().items() if row["state"] == state]
    local = [number for number in leads if number[:3] in codes]
    held = choose(local, share, seed)
    lines = LAYOUTS.get(state, _bare)(generate(numbers, seed, codes, held, set(local) - held))
    with open(path, "w", encoding="ascii", newline="") as file:
        file.writelines(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m simulations.state_list", description="Write a made-up state list.")
    parser.add_argument("state", choices=sorted({row["state"] for row in area_codes().values()}))
    parser.add_argument("out", type=Path)
    parser.add_argument("--numbers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--include-from", type=Path, help="a lead file, part of whose numbers is to be listed")
    parser.add_argument("--share", type=float, default=0.1, help="which part of the state's numbers in it, 0 to 1")
    options = parser.parse_args(arguments)
    leads = lead_numbers(options.include_from) if options.include_from else []
    try:
        write(options.out, options.state, options.numbers, options.seed, leads, options.share)
    except ValueError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()

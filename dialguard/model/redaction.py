"""Telephone numbers where people read along: in messages, logs and progress. Files and output that somebody asked for carry them."""

import re

_NUMBER = re.compile(r"(?<!\d)(?<!\d-)(?!\d{4}-\d\d-\d\d)\d(?:[ .()/-]{0,3}\d){8,}")
"""Nine digits or more, as a telephone number is written; a date is none."""


def without_numbers(text: str) -> str:
    """A text in which the digits of all that may be a telephone number are ``#``: whatever field it was put in, errors end in logs."""
    return _NUMBER.sub(lambda found: re.sub(r"\d", "#", found[0]), text)

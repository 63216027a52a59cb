"""Opt-outs in plain language: what a reply to a text asks for, what is to be recorded, and the one confirmation."""

from dialguard.optout.answering import Answer, answer
from dialguard.optout.reading import OptOut, read

__all__ = ["Answer", "OptOut", "answer", "read"]

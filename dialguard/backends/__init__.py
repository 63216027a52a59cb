"""Evaluators beside the reference: generated Python for one attempt."""

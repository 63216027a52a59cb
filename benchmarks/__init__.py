"""Measurements of speed: ``python -m benchmarks [name ...]``. Ratios within one run mean something; figures of two runs do not."""

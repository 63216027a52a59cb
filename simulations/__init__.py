"""Made-up leads, registries and state lists: the same seed gives the same bytes on every machine.

All randomness comes from `random.Random(seed).random()`, whose sequence Python promises to keep
between versions; everything that is weighed is weighed in integers.
"""

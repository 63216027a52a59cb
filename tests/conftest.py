"""Settings that every test shares."""

from hypothesis import settings

# Shared machines are slow at times; a property that is slow is a matter for the benchmarks.
settings.register_profile("dialguard", deadline=None, print_blob=True)
settings.load_profile("dialguard")

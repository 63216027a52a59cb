"""From an attempt to its facts: what the caller sent is read and checked, and a store, lists, places and clocks add to it."""

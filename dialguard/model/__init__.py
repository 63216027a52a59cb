"""The words of an attempt, of what is known about it, and of a decision."""

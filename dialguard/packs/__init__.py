"""Rule files and calendars: reading, checking, building and testing them, and what an operator's rules do to the shipped law."""

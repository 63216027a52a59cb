"""Rule files and calendars: reading, checking and building them."""

"""The law's hours, closed days and caps as tables for dialers that keep their own."""

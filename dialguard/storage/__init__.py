"""The port through which stored facts are looked up, and the stores behind it."""

"""What befalls a Redis, done to a real one under load, and what the decisions then were: ``python -m simulations.faults``."""

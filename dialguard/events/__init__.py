"""Event rules: what is told of calls and texts afterwards may revoke, suppress, pause and alarm, and nothing else."""

"""Errors of the decision log."""


class AuditUnavailable(Exception):
    """Nothing of this call was recorded. The text says why and holds no telephone number; the log heals itself when its disk does."""


class LogError(ValueError):
    """What was asked of a log cannot be answered: no such log, record, key or kept piece. The text says what to do."""

"""A decision in one line of text."""

from dialguard.engine.decision import Decision


def line(decision: Decision, reference: str | None = None) -> str:
    """One line for a dialplan: verdict, decision's id, and of a denial its kind, first rule and when to try again."""
    words = [decision.verdict, decision.id]
    if not decision.allowed:
        first = decision.reasons[0]
        words += [str(first["kind"]), str(first["rule"]), decision.retry_at or "-"]
    else:
        words += ["-", "-", decision.valid_until or "-"]
    return " ".join([*words, reference or "-"])

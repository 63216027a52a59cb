"""DialGuard: decides whether a business may call or text somebody in the United States, and why. Not legal advice."""

from dialguard.model.version import VERSION as __version__

__all__ = ["Decision", "Guard", "InvalidInput", "__version__"]


def __getattr__(name: str) -> object:
    # The engine is loaded when it is first used, so that `import dialguard` stays light.
    if name in ("Guard", "InvalidInput"):
        import dialguard.guard as guard

        return getattr(guard, name)
    if name == "Decision":
        from dialguard.engine.decision import Decision

        return Decision
    raise AttributeError(f"module 'dialguard' has no attribute {name!r}")

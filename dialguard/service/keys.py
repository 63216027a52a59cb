"""Who asks: the tenant and the scopes of a request."""

from dataclasses import dataclass

SCOPES = ("check", "write", "import", "audit", "admin")


@dataclass(frozen=True, slots=True)
class Key:
    """An API key that was found: whose it is and what it may do."""

    id: str
    tenant: str
    scopes: frozenset[str]


class Keys:
    """The keys of a service. For the time being everybody is the one local tenant."""

    def find(self, token: str | None, address: str | None) -> Key:
        """The key of a request; raises Problem."""
        return Key("local", "default", frozenset(SCOPES))

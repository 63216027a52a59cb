"""What one process of the service holds: its tenants' desks, the keys, and whether it may decide yet."""

from __future__ import annotations

from dialguard.service.desk import Desk
from dialguard.service.keys import Key, Keys
from dialguard.service.problem import Problem


class Service:
    """The state behind the routes."""

    def __init__(self, desks: dict[str, Desk], keys: Keys) -> None:
        self._desks, self.keys = desks, keys
        self.ready = True

    def admit_header(self, authorization: bytes | None, api_key: bytes | None, client: tuple[str, int] | None, scope: str) -> Key:
        """Whose request it is, by ``Authorization: Bearer …`` or ``X-API-Key``; raises Problem where it may not do what it asks for."""
        token = api_key
        if authorization:
            scheme, _, token = authorization.partition(b" ")
            if scheme.lower() != b"bearer":
                token = None
        return self.admit(token.decode("latin-1").strip() if token else None, client[0] if client else None, scope)

    def admit(self, token: str | None, address: str | None, scope: str) -> Key:
        """The same by the key itself."""
        key = self.keys.find(token, address)
        if scope not in key.scopes:
            raise Problem("auth.scope", f"expected a key with the scope {scope}")
        return key

    def desk(self, tenant: str) -> Desk:
        """The desk of a tenant; raises Problem where there is none."""
        try:
            return self._desks[tenant]
        except KeyError:
            raise Problem("service.not_ready", "this key's tenant is not served here") from None

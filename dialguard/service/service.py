"""What one process of the service holds: its tenants' desks, the keys, and whether it may decide yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from dialguard.service.confined import Confined
from dialguard.service.desk import Desk
from dialguard.service.keys import Key, Keyring
from dialguard.service.metrics import Counts
from dialguard.service.problem import Problem
from dialguard.service.standing import Standing, Watching

if TYPE_CHECKING:
    from dialguard.service.config import Twilio


class Service:
    """The state behind the routes. ``parts`` run while it is served: what opens the tenants, the listeners of other protocols; each is
    entered in order and left in the reverse."""

    def __init__(
        self, desks: dict[str, Desk], keys: Keyring, parts: Sequence[Callable[[Service], AbstractAsyncContextManager[object]]] = ()
    ) -> None:
        self.desks, self.keys, self.parts = desks, keys, parts
        self.ready = True
        self.twilio: Mapping[str, Twilio] = {}
        """The Twilio account of each tenant that has one."""
        self.others: Callable[[str], list[Counts]] = lambda tenant: []
        """A tenant's counts in the service's other processes."""
        self.rules: Watching | None = None
        """What watches the rules; None where they are what they were at the start."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything that runs while the service is served."""
        async with AsyncExitStack() as stack:
            for part in self.parts:
                await stack.enter_async_context(part(self))
            yield

    def admit(self, token: str | None, address: str | None, scope: str) -> Key:
        """Whose request it is; raises Problem where it may not do what it asks for."""
        key = self.keys.find(token, address)
        if scope not in key.scopes:
            raise Problem("auth.scope", f"expected a key with the scope {scope}")
        return key

    def packs_status(self) -> Standing:
        """Which rules serve."""
        if self.rules is not None:
            return self.rules.status()
        packs = next((desk.guard.packs for desk in self.desks.values()), None)
        return Standing("none") if packs is None else Standing("current", packs.digest, len(packs.rules))

    def desk_of(self, key: Key) -> Desk | Confined:
        """The desk at which a key may ask. Raises Problem."""
        desk = self.desk(key.tenant)
        return desk if key.sellers is None else Confined(desk, key)

    def untold(self, tenant: str, door: str) -> None:
        """Counts an answer that could not be given whole."""
        if tenant in self.desks:
            self.desks[tenant].metrics.untold[door] += 1

    def desk(self, tenant: str) -> Desk:
        """The desk of a tenant; raises Problem where there is none."""
        try:
            return self.desks[tenant]
        except KeyError:
            raise Problem("service.not_ready", "this key's tenant is not served yet", headers={"retry-after": "1"}) from None


def token_of(authorization: bytes | None, api_key: bytes | None) -> str | None:
    """The key in the headers ``Authorization: Bearer …`` or ``X-API-Key``."""
    token = api_key
    if authorization:
        scheme, _, token = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            token = None
    return token.decode("latin-1").strip() if token else None

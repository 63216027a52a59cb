"""``/v1/rules``: the law that decides, as data."""

from __future__ import annotations

import json as plain_json
from collections.abc import Mapping

from dialguard.packs.describe import as_dict, summary
from dialguard.packs.pack import Packs
from dialguard.service import bodies
from dialguard.service.decided import slowly
from dialguard.service.problem import Problem
from dialguard.service.web import Request, Response, Route

_ASKED = {
    "jurisdiction": "US or a USPS code.", "topic": "A topic, such as calling_hours.", "kind": "prohibition, obligation, relief or notice.",
    "status": "in_force, pending, stayed, disputed, repealed or vacated.",
}  # fmt: skip


def _listed(packs: Packs, wanted: Mapping[str, str]) -> bytes:
    """The rules that fit, as JSON."""
    found = (summary(rule) for rule in packs.rules)
    rules = [rule for rule in found if all(rule[name] == value for name, value in wanted.items())]
    return _encoded({"packs": packs.digest, "rules": rules})


def _encoded(value: object) -> bytes:
    return plain_json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode()


async def every(request: Request) -> Response:
    """All rules, or those that fit."""
    packs, wanted = request.desk.guard.packs, request.query(*_ASKED)
    return Response(await slowly(lambda: _listed(packs, wanted)))


async def one(request: Request) -> Response:
    """One rule whole: its law, dates, parameters, message and examples."""
    packs = request.desk.guard.packs
    rule = packs.by_id.get(request.params["id"])
    if rule is None:
        raise Problem("resource.unknown", "there is no rule of this id")
    return Response(_encoded({"packs": packs.digest, **as_dict(packs, rule)}))


ROUTES = [
    Route("GET", "/v1/rules", "check", every, "All rules", None, bodies.Rules, _ASKED),
    Route("GET", "/v1/rules/{id}", "check", one, "One rule", None, bodies.Rule),
]

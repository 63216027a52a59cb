"""The service against its own description: generated requests, right and wrong ones, to a real port.

``DIALGUARD_FUZZ=N`` sends about N requests; the usual suite sends some hundreds.
"""

import logging
import os
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from dialguard.audit.log import DecisionLog
from dialguard.facts import clock
from dialguard.guard import Guard
from dialguard.model.moment import DAY
from dialguard.service import openapi
from dialguard.service.app import ROUTES, application
from dialguard.service.book import FILE, Book
from dialguard.service.bounded import BoundedProtocol
from dialguard.service.config import Limits
from dialguard.service.decided import FOLDER
from dialguard.service.desk import Desk
from dialguard.service.keyfile import SCOPES, KeyFile
from dialguard.service.keys import Keys
from dialguard.service.service import Service
from tests.service.conftest import CAMPAIGN, served

REQUESTS = int(os.environ.get("DIALGUARD_FUZZ", "300"))
EACH = max(2, REQUESTS // len(ROUTES))
_CONFIG = SchemathesisConfig.from_dict({
    "checks": {
        # What a schema cannot say (a number that may be called, a date of the calendar, an entry that is there) is told with these.
        "positive_data_acceptance": {"expected-statuses": [200, 201, 404, 409, 422]},
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 413, 415, 422, 431]},
    },
})  # fmt: skip
schema = schemathesis.openapi.from_dict(openapi.description(ROUTES), config=_CONFIG)


@pytest.fixture(scope="module")
def service(tmp_path_factory, packs):
    """Address, token, folder and log of a service that keeps and records everything."""
    folder: Path = tmp_path_factory.mktemp("fuzzed")
    with DecisionLog(folder / FOLDER) as log:
        guard = Guard(folder, packs=packs, log=log)
        guard.add_campaign(CAMPAIGN)
        guard.store.declare_complete("Acme", clock.now() - 400 * DAY, known_at=clock.now())
        _, token = KeyFile(folder).create(scopes=SCOPES)
        app = application(Service({"default": Desk("default", guard, Book(folder / FILE))}, Keys(folder)))
        app.limits = Limits()
        told: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: told.append(record.getMessage())
        logging.getLogger().addHandler(handler)
        with served(app, BoundedProtocol) as (host, port):
            yield f"http://{host}:{port}", token, folder, told
        logging.getLogger().removeHandler(handler)
        guard.store.close()


@pytest.mark.filterwarnings("ignore")
@schema.parametrize()
@settings(
    max_examples=EACH,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),
    database=None,
    derandomize=REQUESTS <= 600,
)
def test_every_answer_is_one_that_is_described(case: schemathesis.Case, service) -> None:
    address, token, folder, told = service
    response = case.call(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert response.status_code < 500, (response.status_code, response.content[:500])
    text = response.content.decode("utf-8", "replace")
    for leak in ("Traceback", 'File "', str(folder), "site-packages", token):
        assert leak not in text
    case.validate_response(response, headers={"Authorization": f"Bearer {token}"})


def test_nothing_went_wrong_unseen(service) -> None:
    """No fault and no number was logged while all that was asked. Stands last: it looks at what the others did."""
    assert [line for line in service[3] if "fault" in line or "3055550100" in line] == []

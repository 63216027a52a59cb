"""The description is valid OpenAPI, names every route and code, and its examples work in the order in which they stand."""

import re
from pathlib import Path

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from dialguard.guard import Guard
from dialguard.service import openapi
from dialguard.service.app import ROUTES, application
from dialguard.service.desk import Desk
from dialguard.service.problem import CODES
from dialguard.service.service import Service
from dialguard.service.web import JSON
from tests.service.asking import asked
from tests.service.conftest import Everybody


@pytest.fixture(scope="module")
def document() -> dict:
    return openapi.description(ROUTES)


def test_it_is_valid_and_served(app, document: dict) -> None:
    OpenAPIV31SpecValidator(document).validate()
    assert asked(app, "GET", "/v1/openapi.json").json == document


def test_every_route_and_code_is_in_it(document: dict) -> None:
    assert {(method.upper(), path) for path, ways in document["paths"].items() for method in ways} == {
        (route.method, route.path) for route in openapi.own(ROUTES)
    }
    assert all(route.path.startswith("/v1/") for route in openapi.own(ROUTES) if route.path.count("/") > 1)
    told = {
        code
        for ways in document["paths"].values()
        for way in ways.values()
        for answer in way["responses"].values()
        for code in answer["description"].split(", ")
    }
    assert set(CODES) - told == {"request.method"}  # of what is no route at all
    ids = [way["operationId"] for ways in document["paths"].values() for way in ways.values()]
    assert len(set(ids)) == len(ids)


def test_every_schema_can_be_met_and_no_reference_dangles(document: dict) -> None:
    schemas = document["components"]["schemas"]
    named = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert named <= set(schemas)
    for name in schemas:
        jsonschema_rs.validator_for({"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}})


def test_the_examples_work_and_are_answered_as_described(tmp_path: Path, packs, document: dict) -> None:
    app = application(Service({"default": Desk("default", Guard(tmp_path, packs=packs))}, Everybody()))
    for (method, path), example in openapi.EXAMPLES.items():
        answer = asked(app, method, path.replace("{id}", "spring-sale"), example)
        described = document["paths"][path][method.lower()]
        assert str(answer.status) in described["responses"] and answer.status < 300, (path, answer)
        for schema, value in (
            (described["requestBody"]["content"][JSON]["schema"], example),
            (described["responses"][str(answer.status)]["content"][JSON]["schema"], answer.json),
        ):
            jsonschema_rs.validator_for({**schema, "components": document["components"]}).validate(value)
    takes = {(route.method, route.path) for route in ROUTES if route.takes is not None}
    assert takes == set(openapi.EXAMPLES)

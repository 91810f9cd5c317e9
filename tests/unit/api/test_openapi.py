import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from api.app import REFRESH, ROUTES, STREAM
from api.explain import explain
from api.openapi import build_openapi, openapi_document
from api.render import Rendered, render_unread
from tests.unit.api.states import NOW, sample, status

ROOT = Path(__file__).parents[3]
DOCUMENT = build_openapi()
UNDOCUMENTED = {"/", "/portfolio/", "/assets"}
"""The ways to the page and what it is made of: not part of the interface."""


def validator(model: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{model}", **DOCUMENT})


def walk(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield part
        for value in part.values():
            yield from walk(value)
    elif isinstance(part, list):
        for value in part:
            yield from walk(value)


def test_every_path_is_described_with_its_parameters() -> None:
    assert set(DOCUMENT["paths"]) == {route.path for route in ROUTES} - UNDOCUMENTED
    for route in ROUTES:
        if route.path in UNDOCUMENTED:
            continue
        operation = DOCUMENT["paths"][route.path]["post" if route.writes else "get"]
        named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
        assert named == route.parameters
        assert {"400", "405", "413", "421"} <= operation["responses"].keys()
        assert operation.get("security") == ([] if route.free else operation["security"])


def test_writes_and_streams_say_what_can_happen() -> None:
    writes = DOCUMENT["paths"][REFRESH.path]["post"]
    assert {"401", "403", "404", "415", "429", "503"} <= writes["responses"].keys()
    assert writes["security"] == [{"adminToken": []}]
    assert "503" in DOCUMENT["paths"][STREAM.path]["get"]["responses"]


def test_every_reference_leads_somewhere() -> None:
    for part in walk(DOCUMENT):
        reference = part.get("$ref")
        if reference is not None:
            assert reference.startswith("#/components/schemas/")
            assert reference.rpartition("/")[2] in DOCUMENT["components"]["schemas"]
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert json.loads(openapi_document()) == json.loads(json.dumps(DOCUMENT))


def test_answers_are_what_the_document_says() -> None:
    portfolio = validator("PortfolioBody")
    portfolio.validate(json.loads(Rendered(sample(), demo=False).document(NOW)))
    portfolio.validate(json.loads(render_unread("main", [status()], ("btcturk",), loading=True, demo=False)))
    validator("ExplainBody").validate(json.loads(explain(sample(), "BTC", None, NOW) or b""))
    wrong = json.loads(Rendered(sample(), demo=False).document(NOW))
    wrong["totals"]["totalUsdExact"] = 1.5
    assert not portfolio.is_valid(wrong)
    wrong = json.loads(Rendered(sample(), demo=False).document(NOW))
    wrong["surprise"] = 1
    assert not portfolio.is_valid(wrong)


def test_the_page_s_types_are_made_of_this_document() -> None:
    written = (ROOT / "web" / "src" / "api" / "openapi.json").read_text(encoding="utf-8")
    assert json.loads(written) == json.loads(openapi_document()), "write it anew: make api-types"

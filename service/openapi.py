"""The OpenAPI document: FastAPI's own, with the schemas of bodies that the hot path reads without FastAPI.

``dipcheck openapi`` writes it to ``openapi.yaml``; a test proves that the file is current.
"""

from typing import Any, Final

import yaml
from fastapi import FastAPI

from service.schemas.dip import WhatIfIn
from service.schemas.dip_case import CaseIn
from service.schemas.dip_sets import SettleIn, StrategySimulationIn
from service.schemas.lines import LinesRequest, PastLineIn
from service.schemas.native import BatchRequest, CheckRequest

TEMPLATE: Final = "#/components/schemas/{model}"
BODIES: Final = (CheckRequest, BatchRequest, CaseIn, WhatIfIn, StrategySimulationIn, SettleIn, LinesRequest, PastLineIn)
SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "API key as a bearer token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def install(web: FastAPI) -> None:
    """Make an application describe itself completely."""
    plain = web.openapi

    def described() -> dict[str, Any]:
        if web.openapi_schema is None:
            document = plain()
            complete(document)
            web.openapi_schema = document
        return web.openapi_schema

    web.openapi = described  # type: ignore[method-assign]


def complete(document: dict[str, Any]) -> None:
    """Add the request schemas and the security schemes."""
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in BODIES:
        schema = model.model_json_schema(ref_template=TEMPLATE)
        for name, definition in schema.pop("$defs", {}).items():
            schemas.setdefault(name, definition)
        schemas[model.__name__] = schema
    components["securitySchemes"] = SECURITY
    document["security"] = [{"bearer": []}, {"apiKey": []}, {}]


def as_yaml(document: dict[str, Any]) -> str:
    """Return the document as YAML with stable order."""
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=True, width=110)

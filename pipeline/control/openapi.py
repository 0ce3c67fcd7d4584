"""The control API described for programs (OpenAPI 3.1), from the routes and structs that serve it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from pipeline.control.errors import STATUS
from pipeline.control.routing import API_VERSION, PREFIX, AnyRoute
from pipeline.told.refusals import Code, Failure

Json = dict[str, Any]

ALWAYS: Mapping[int, str] = {
    400: "the question is wrong, or not whole",
    401: "the token is missing or another one",
    403: "a page of another site asks",
    408: "the question was not said within 15 seconds",
    413: "the question is too long",
    421: "another name of this machine was asked",
    500: "a mistake of this program",
    503: "not now: too much is held open, or the ledger cannot be used",
}
"""What any route may answer instead."""
OF_BODY: Mapping[int, str] = {415: "the question is not JSON"}
OF_LIMIT: Mapping[int, str] = {429: "too many questions; Retry-After says when to ask again"}
STALE: Mapping[int, str] = {412: "it was changed meanwhile; read it again", 428: "If-Match is missing"}
REF = "#/components/schemas/{name}"
MATCH = "if_match"
"""The field of a question that is not in its address, but in the header If-Match."""
PIECE = re.compile(r"\{(\w+)\}")


def document(routes: Iterable[AnyRoute]) -> Json:
    """The OpenAPI document of some routes."""
    kept = tuple(routes)
    types = [Failure, *(kind for route in kept for kind in (route.query, route.body, route.answer) if kind is not None)]
    shapes, shared = msgspec.json.schema_components(types, ref_template=REF)
    by_type = dict(zip(map(id, types), shapes, strict=True))
    paths: Json = {}
    for route in kept:
        for path in (route.path, *route.also):
            operation = _operation(route, by_type, shared)
            if path != route.path:
                operation |= {"operationId": f"{route.name}_{path.strip('/')}", "deprecated": True}
            cast("Json", paths.setdefault(path, {}))[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Moonlight's control API",
            "version": API_VERSION,
            "description": "An engine on this machine, looked at, stopped and started. It takes no orders.",
        },
        "servers": [{"url": PREFIX}, {"url": "/"}],
        "security": [{"token": []}, {"key": []}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(shared.items())),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "the text of engine.token"},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _operation(route: AnyRoute, shapes: Mapping[int, Json], shared: Mapping[str, Json]) -> Json:
    content: Json = {"application/json": {"schema": shapes[id(route.answer)]}}
    if route.text is not None:
        content["text/plain"] = {"schema": {"type": "string"}}
    told: Json = {"200": {"description": "done", "content": content}}
    for status, why in sorted(_refusals(route).items()):
        content = {"application/json": {"schema": shapes[id(Failure)]}}
        told[str(status)] = {"description": why, "content": content}
        if status == 429:
            told[str(status)]["headers"] = {"Retry-After": {"schema": {"type": "integer", "minimum": 1}}}
    operation: Json = {
        "operationId": route.name,
        "summary": route.does,
        "responses": told,
        "parameters": list(_parameters(route, shapes, shared)),
    }
    if route.body is not None:
        shape = _resolved(shapes[id(route.body)], shared)
        operation["requestBody"] = {
            "required": bool(shape.get("required")),
            "content": {"application/json": {"schema": shapes[id(route.body)]}},
        }
    return operation


def _parameters(route: AnyRoute, shapes: Mapping[int, Json], shared: Mapping[str, Json]) -> Iterable[Json]:
    shape = _resolved(shapes[id(route.query)], shared)
    pieces = set(PIECE.findall(route.path))
    for name, of in cast("Json", shape.get("properties", {})).items():
        if name == MATCH:
            continue
        inside = name in pieces
        yield {
            "name": name,
            "in": "path" if inside else "query",
            "required": inside or name in shape.get("required", ()),
            "schema": of,
        }
    if route.stale:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "description": "the hash of what is to be changed, in quotes, as it was read",
            "schema": {"type": "string"},
        }


def _refusals(route: AnyRoute) -> Mapping[int, str]:
    told = dict(ALWAYS)
    if route.method != "GET":
        told |= OF_BODY
    if not route.urgent:
        told |= OF_LIMIT
    if route.stale:
        told |= STALE
    for code in route.refusals:
        told.setdefault(STATUS[code], _words(code))
    return told


def _words(code: Code) -> str:
    return {
        "NOT_FOUND": "there is no such thing",
        "BUSINESS_RULE": "it is understood, and may not be",
        "CONCURRENCY_BLOCK": "somebody else is at it",
        "NETWORK": "the other end did not answer in time",
    }.get(code, code.lower())


def _resolved(shape: Json, shared: Mapping[str, Json]) -> Json:
    ref = shape.get("$ref")
    return shared[ref.rpartition("/")[2]] if isinstance(ref, str) else shape

"""The API's own page: every route in words, in one file that loads nothing from anywhere."""

from collections.abc import Iterator
from html import escape
from typing import Any, cast

from aiohttp import web

from sinks.api.handling import PLAIN

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 0.9em ui-monospace, monospace }
h2 { margin-top: 2.5rem; border-top: 1px solid; padding-top: 1rem }
td, th { text-align: left; vertical-align: top; padding: 0.15rem 1rem 0.15rem 0 }
"""


def page_of(document: Json) -> web.Response:
    """A page about an OpenAPI document."""
    text = "\n".join(_lines(document))
    headers = PLAIN | {
        "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    }
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)


def _lines(document: Json) -> Iterator[str]:
    about = document["info"]
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(about['title'])}</title>"
    yield f"<style>{STYLE}</style><h1>{escape(about['title'])} {escape(about['version'])}</h1>"
    yield f"<p>{escape(about['description'])} Every path answers under <code>/v1</code> as well."
    yield "Send <code>Authorization: Bearer</code> with the text of <code>engine.token</code>.</p>"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield from _operation(f"{method.upper()} {path}", operation)
    yield "<h2>Shapes</h2>"
    for name, shape in document["components"]["schemas"].items():
        yield from _shape(name, shape)


def _operation(head: str, operation: Json) -> Iterator[str]:
    yield f"<h2 id={operation['operationId']}><code>{escape(head)}</code></h2><p>{escape(operation['summary'])}</p>"
    body = operation.get("requestBody")
    if body is not None:
        yield f"<p>It takes {_kind(body['content']['application/json']['schema'])}.</p>"
    if operation["parameters"]:
        yield "<table><tr><th>asked<th>in<th>is"
        for each in operation["parameters"]:
            yield f"<tr><td><code>{escape(each['name'])}</code><td>{each['in']}<td>{_kind(each['schema'])}"
        yield "</table>"
    yield "<table><tr><th>answer<th>is"
    for status, answer in operation["responses"].items():
        schema = answer["content"]["application/json"]["schema"]
        yield f"<tr><td>{status}<td>{_kind(schema)}: {escape(answer['description'])}"
    yield "</table>"


def _shape(name: str, shape: Json) -> Iterator[str]:
    yield f'<h3 id="{escape(name)}">{escape(name)}</h3><p>{escape(shape.get("description", ""))}</p>'
    yield "<table>"
    for field, of in cast("Json", shape.get("properties", {})).items():
        yield f"<tr><td><code>{escape(field)}</code><td>{_kind(of)}<td>{escape(of.get('description', ''))}"
    yield "</table>"


def _kind(schema: Json) -> str:
    """What a schema is, in a word or two."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return escape(", ".join(map(repr, schema["enum"])))
    if schema.get("type") == "array":
        return f"a list of {_kind(cast('Json', schema.get('items') or {}))}"
    return escape(str(schema.get("type", "anything")))

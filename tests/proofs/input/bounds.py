"""Whatever comes in has bounds: read from the document, so that one that is missing is found before it is used."""

from collections.abc import Iterator
from typing import Any


def unbounded(document: dict[str, Any]) -> list[str]:
    """Every field and parameter that may be as large as its sender likes, and every shape that takes unknown fields."""
    findings: list[str] = []
    for path, item in document["paths"].items():
        for method, said in item.items():
            label = f"{method.upper()} {path}"
            for parameter in said.get("parameters", []):
                if parameter.get("in") == "query":
                    findings += _of(document, parameter["schema"], f"{label}?{parameter['name']}")
            if "requestBody" in said:
                schema = said["requestBody"]["content"]["application/json"]["schema"]
                findings += _of(document, schema, f"{label} body")
    return findings


def _of(document: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from _of(document, document["components"]["schemas"][name], where)
        return
    for option in schema.get("anyOf", []):
        yield from _of(document, option, where)
    # A word of a list is as long as it is, and a format has a form.
    if "enum" in schema or "const" in schema or "format" in schema:
        return
    kinds = schema.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        missing = [bound for bound in BOUNDS.get(kind, ()) if not bound & schema.keys()]
        if missing:
            yield f"{where}: no {' nor '.join('/'.join(sorted(bound)) for bound in missing)}"
    if "items" in schema:
        yield from _of(document, schema["items"], f"{where}[]")
    if "properties" in schema and schema.get("additionalProperties") is not False:
        yield f"{where}: takes unknown fields"
    for name, inner in schema.get("properties", {}).items():
        yield from _of(document, inner, f"{where}.{name}")


BOUNDS: dict[str, tuple[frozenset[str], ...]] = {
    "string": (frozenset({"maxLength"}),),
    "array": (frozenset({"maxItems"}),),
    "integer": (frozenset({"minimum", "exclusiveMinimum"}), frozenset({"maximum", "exclusiveMaximum"})),
    "number": (frozenset({"minimum", "exclusiveMinimum"}), frozenset({"maximum", "exclusiveMaximum"})),
}

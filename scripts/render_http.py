"""
Render the API's own OpenAPI description as a page: each request, its fields, its answers.
"""

from collections.abc import Iterator
from typing import Any

from payments_bootstrap import Container
from payments_bootstrap.configuration import load
from payments_http.app import create_app

Json = dict[str, Any]

ENVIRON = {
    "ENVIRONMENT": "development",
    "DATABASE__URL": "sqlite://",
    "PAYMENT_PROVIDERS__STRIPE__API_KEY": "sk_test_nobody",
    "PAYMENT_PROVIDERS__STRIPE__WEBHOOK_SECRET": "whsec_nobody",
    "KEYCLOAK__ISSUER": "https://sso.example.com/realms/ecommerce-realm",
}
MANY = 20  # words of a list that are not all shown
FORMATS = {"date-time": "time, UTC", "uuid": "UUID", "uri": "address"}
METHODS = ("get", "post")


def description() -> Json:
    """
    Return the description as the app serves it.
    """
    client = create_app(Container(settings=load(ENVIRON))).test_client()
    found: Json = client.get("/swagger/v1/swagger.json").get_json()
    return found


def requests() -> str:
    """
    Return a section for each group of requests, and one for the objects in the answers.
    """
    api = description()
    parts = []
    for tag in api["tags"]:
        parts.append(f"## {tag['name']}\n{tag['description']}")
        parts += [
            request(api, method, path)
            for path, item in api["paths"].items()
            for method in METHODS
            if method in item and tag["name"] in item[method]["tags"]
        ]
    parts.append("## Objects\nWhat answers hold; * marks what is always there.")
    parts += [shown(name, api["components"]["schemas"][name]) for name in objects(api)]
    return "\n\n".join(parts)


def request(api: Json, method: str, path: str) -> str:
    """
    Return one request.
    """
    operation = api["paths"][path][method]
    heading = f"### {method.upper()} {path}"
    about = " ".join(f"{operation['summary']} {operation.get('description', '')}".split())
    who = "" if operation["security"] else " Needs no token."
    return "\n".join((heading, about + who, "", *fields(api, path, operation), *answers(operation)))


def fields(api: Json, path: str, operation: Json) -> Iterator[str]:
    """
    Yield the table of what is sent.
    """
    parameters = [*api["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
    rows = [
        row(p["name"], p["in"], p["schema"] | p, required=p.get("required", False))
        for p in parameters
    ]
    content = operation.get("requestBody", {}).get("content", {}).values()
    for name in (named(kind["schema"]) for kind in content if "$ref" in kind["schema"]):
        schema = api["components"]["schemas"][name]
        rows += [
            row(field, "body", about, required=field in schema.get("required", ()))
            for field, about in schema["properties"].items()
        ]
    if rows:
        yield from ("| field | in | what | about |", "|---|---|---|---|", *rows, "")


def row(name: str, where: str, about: Json, *, required: bool) -> str:
    """
    Return the line of a field that is sent.
    """
    star = "*" if required else ""
    return f"| `{name}`{star} | {where} | {kind(about)} | {about.get('description', '')} |"


def answers(operation: Json) -> Iterator[str]:
    """
    Yield what may come back: the good answers in words, the refusals by number.
    """
    good = {status: a for status, a in operation["responses"].items() if status[0] == "2"}
    bad = sorted(s for s in operation["responses"] if s.isdigit() and s not in good)
    yield from ("| answer | about |", "|---|---|")
    for status, answer in sorted(good.items()):
        schemas = [c["schema"] for c in answer.get("content", {}).values()]
        of = f": {', '.join(map(kind, schemas))}" if schemas else ""
        yield f"| {status}{of} | {answer['description']} |"
    yield f"| {', '.join(bad)} | refused, see [errors](errors.md) |"


def objects(api: Json) -> list[str]:
    """
    Return the names of all objects that good answers hold, also within others.
    """
    found: list[str] = []
    for item in api["paths"].values():
        for method in METHODS:
            for status, answer in item.get(method, {}).get("responses", {}).items():
                if status[0] == "2":
                    _collect(api, answer, found)
    return found


def _collect(api: Json, part: Any, found: list[str]) -> None:
    """
    Add what a part of the description refers to.
    """
    if isinstance(part, list):
        for inner in part:
            _collect(api, inner, found)
    if not isinstance(part, dict):
        return
    if "$ref" in part and (name := named(part)) not in found:
        found.append(name)
        _collect(api, api["components"]["schemas"].get(name, {}), found)
    for inner in part.values():
        _collect(api, inner, found)


def shown(name: str, schema: Json) -> str:
    """
    Return an object with its fields.
    """
    lines = [f"### {name}", "", "| field | what | about |", "|---|---|---|"]
    for field, about in schema["properties"].items():
        star = "*" if field in schema.get("required", ()) else ""
        lines.append(f"| `{field}`{star} | {kind(about)} | {about.get('description', '')} |")
    return "\n".join(lines)


def named(reference: Json) -> str:
    """
    Return the name of the object that is referred to.
    """
    return str(reference["$ref"]).rpartition("/")[2]


def kind(schema: Json) -> str:
    """
    Return what a value is, in a few words.
    """
    if "$ref" in schema:
        return f"[{named(schema)}](#{named(schema).lower()})"
    if "anyOf" in schema:
        return "amount, such as `129.90`"
    if "enum" in schema:
        words = [f"`{word}`" for word in schema["enum"] if word is not None]
        return ", ".join(words) if len(words) < MANY else "one of a list, such as `EUR`"
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    plain = next(name for name in types if name != "null")
    return word(schema, plain) + (" or null" if "null" in types else "")


def word(schema: Json, plain: str) -> str:
    """
    Return what a value of a plain type is.
    """
    if plain == "array":
        return f"list of {kind(schema['items'])}"
    if plain == "object":
        inner = schema.get("additionalProperties")
        return f"object of {kind(inner)}" if inner else "object"
    if "minimum" in schema and "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    text = FORMATS.get(
        schema.get("format", ""), {"string": "text", "integer": "whole number"}.get(plain, plain)
    )
    return f"{text}, such as `{schema['example']}`" if "example" in schema else text

"""Writes the types of the API's bodies and answers for the page's modules, from the OpenAPI document.

``python scripts/page_types.py`` writes the file anew; a test sees when that was forgotten.
"""

import textwrap
from pathlib import Path
from typing import Any

from jari.web.api.openapi import document
from jari.web.api.table import TABLE

TYPES = Path(__file__).parents[1] / "src/jari/web/site/static/api/types.d.ts"
HEAD = "// The bodies and answers of the API. Written by scripts/page_types.py: run it after a change of their types.\n"
WIDTH = 110

Schema = dict[str, Any]
NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def write(components: dict[str, Schema]) -> str:
    """The file's text: one declaration for each named schema, in the order of the alphabet."""
    return "\n".join([HEAD, *(declaration(name, components[name]) for name in sorted(components))])


def declaration(name: str, schema: Schema) -> str:
    """One exported type, with its description."""
    comment = comment_of(schema.get("description", ""))
    if "properties" not in schema:
        return f"{comment}export type {name} = {type_of(schema)};\n"
    required = schema.get("required", ())
    fields = [
        f"  {field}{'' if field in required else '?'}: {type_of(each)};"
        for field, each in schema["properties"].items()
    ]
    body = "\n".join(["{", *fields, "}"]) if fields else "{}"
    return f"{comment}export interface {name} {body}\n"


def comment_of(description: str) -> str:
    """A description as a comment."""
    text = " ".join(description.replace("``", "`").split())
    if not text:
        return ""
    return "/** " + textwrap.fill(text, WIDTH, subsequent_indent=" * ", break_long_words=False) + " */\n"


def type_of(schema: Schema) -> str:
    """A schema as a type. What it says beyond a type (lengths, formats) is the server's to check."""
    match schema:
        case {"$ref": reference}:
            written = str(reference).rpartition("/")[2]
        case {"enum": values}:
            written = " | ".join(f'"{each}"' for each in values)
        case {"anyOf": choices}:
            written = " | ".join(dict.fromkeys(type_of(each) for each in choices))
        case {"type": "object", "additionalProperties": values}:
            written = f"Record<string, {type_of(values)}>"
        case {"type": "array", "prefixItems": items}:
            written = f"[{', '.join(type_of(each) for each in items)}]"
        case {"type": "array", "items": item}:
            written = f"Array<{type_of(item)}>" if "enum" in item or "anyOf" in item else f"{type_of(item)}[]"
        case {"type": kind}:
            written = NAMES[kind]
        case _:
            raise ValueError(f"There is no type for {schema}: add a case.")
    return written


def page_types() -> str:
    """The file as the API is now."""
    return write(document(TABLE, "")["components"]["schemas"])


if __name__ == "__main__":
    TYPES.write_text(page_types(), encoding="utf-8")

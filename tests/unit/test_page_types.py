"""The page's types are those of the API: written anew after every change."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/page_types.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("page_types", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_those_of_the_api(script):
    assert script.TYPES.read_text(encoding="utf-8") == script.page_types(), "run scripts/page_types.py"


@pytest.mark.parametrize(
    ("schema", "written"),
    [
        ({"type": "integer", "minimum": 1}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"enum": ["DUE", "DONE"]}, '"DUE" | "DONE"'),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Seat"}}, "Seat[]"),
        (
            {"type": "array", "items": {"anyOf": [{"type": "number"}, {"type": "null"}]}},
            "Array<number | null>",
        ),
        ({"type": "array", "prefixItems": [{"type": "number"}] * 2, "items": False}, "[number, number]"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "Record<string, string>"),
    ],
)
def test_a_schema_is_written_as_the_type_that_it_is(script, schema, written):
    assert script.type_of(schema) == written


def test_a_schema_that_has_no_type_yet_is_refused(script):
    with pytest.raises(ValueError, match="add a case"):
        script.type_of({"not": {}})


def test_a_field_that_may_be_missing_is_marked(script):
    schema = {
        "type": "object",
        "description": "A ``seat``.",
        "properties": {"id": {"type": "integer"}, "text": {"type": "string"}},
        "required": ["id"],
    }
    assert script.declaration("Seat", schema) == (
        "/** A `seat`. */\nexport interface Seat {\n  id: number;\n  text?: string;\n}\n"
    )

"""Reads the query of an address into the struct that the endpoint names."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from msgspec import inspect

from jari.domain.errors import Invalid
from jari.domain.ids import read_id
from jari.web.api.shapes import Query

Q = TypeVar("Q", bound=Query)

MAX_SHOWN = 40  # characters of what was sent, in a refusal


class QueryReader(Generic[Q]):
    """Reads one kind of query. It ignores unknown parameters; if a parameter comes twice, the last counts."""

    def __init__(self, kind: type[Q]) -> None:
        self._kind = kind
        self._fields = {
            field.encode_name: (field.name, *_reading(field.type, field.encode_name))
            for field in inspect.type_info(kind).fields  # type: ignore[attr-defined]
        }

    def read(self, query: bytes) -> Q:
        """The query as a struct.

        Raises:
            Invalid: a parameter is not what its field says.
        """
        sent: dict[str, list[str]] = {}
        for name, text in parse_qsl(query.decode("latin1"), keep_blank_values=True):
            sent.setdefault(name, []).append(text)
        values: dict[str, Any] = {}
        for name, (field, read, is_list) in self._fields.items():
            texts = sent.get(name, [])
            if is_list:
                values[field] = [read(text) for text in texts]
            elif texts:
                values[field] = read(texts[-1])
        return self._kind(**values)


def _reading(kind: inspect.Type, name: str) -> tuple[Callable[[str], Any], bool]:
    """The function that reads a parameter of this type, and whether the parameter may come several times."""
    match kind:
        case inspect.Metadata():
            return _reading(kind.type, name)
        case inspect.UnionType():  # of a type and None: the parameter may be left out
            (inner,) = (each for each in kind.types if not isinstance(each, inspect.NoneType))
            return _reading(inner, name)
        case inspect.ListType():
            return _reading(kind.item_type, name)[0], True
    return _reader(kind, name), False


def _reader(kind: inspect.Type, name: str) -> Callable[[str], Any]:
    match kind:
        case inspect.IntType():
            return lambda text: _number(name, text)
        case inspect.EnumType():
            return lambda text: kind.cls(_choice(name, text, [each.value for each in kind.cls]))
        case inspect.LiteralType():
            return lambda text: _choice(name, text, kind.values)
        case inspect.StrType():
            return str
    raise TypeError(f"A query has no parameters such as {name}, {kind}.")


def _number(name: str, text: str) -> int:
    number = read_id(text)
    if number is None:
        raise Invalid(
            f"'{name}' is {text[:MAX_SHOWN]!r}, but must be a positive whole number of at most 63 bits."
        )
    return number


def _choice(name: str, text: str, choices: Any) -> str:
    if text not in choices:
        wanted = f"one of {', '.join(choices)}" if len(choices) > 1 else f"{choices[0]!r}, or left out"
        raise Invalid(f"'{name}' is {text[:MAX_SHOWN]!r}, but must be {wanted}.")
    return text

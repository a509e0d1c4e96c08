"""Finds the endpoints at an address: a tree of the table's paths, one step for each part between slashes."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Generic, TypeVar

from jari.domain.ids import is_number

T = TypeVar("T")

REMEMBERED, MAX_LENGTH = (
    1_000,
    200,
)  # addresses with ids, and how long they may be: a crowd asks for the same few

Found = tuple[dict[str, T], tuple[int | str, ...]]


class Node(Generic[T]):
    """What may follow a part of a path: fixed words, or else a number, a name or the whole rest."""

    __slots__ = ("methods", "name", "number", "rest", "words")

    def __init__(self) -> None:
        self.methods: dict[str, T] = {}
        self.words: dict[str, Node[T]] = {}
        self.number: Node[T] | None = None
        self.name: Node[T] | None = None
        self.rest: Node[T] | None = None


class Routes(Generic[T]):
    """Finds what stands at an address, by method.

    In a path ``{schedule}`` is the number of a schedule, ``{gateway:name}`` anything up to the next slash, and
    ``{file:rest}`` all that is left.
    """

    def __init__(self, routes: Iterable[tuple[str, str, T]]) -> None:
        self._root: Node[T] = Node()
        self._remembered = lru_cache(REMEMBERED)(self._walk)
        for method, path, target in routes:
            node = self._root
            for part in path.split("/")[1:]:
                node = _below(node, part)
            if method in node.methods:
                raise ValueError(f"{method} {path} stands in the table twice: take one of them out.")
            node.methods[method] = target

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """Method and path of every endpoint. Each variable part of a path is ``{}``."""
        return _below_all(self._root, "")

    def find(self, path: str) -> Found[T] | None:
        """The endpoints at the address, by method, and the numbers and names in it; None if there are none."""
        return self._remembered(path) if len(path) <= MAX_LENGTH else self._walk(path)

    def _walk(self, path: str) -> Found[T] | None:
        node = self._root
        parts = path.split("/")
        ids: list[int | str] = []
        for place, part in enumerate(parts):
            if place == 0:
                continue  # the empty part before the first slash
            if part in node.words:
                node = node.words[part]
            elif node.number is not None and is_number(part):
                ids.append(int(part))
                node = node.number
            elif node.name is not None and part:
                ids.append(part)
                node = node.name
            elif node.rest is not None:
                return node.rest.methods, (*ids, "/".join(parts[place:]))
            else:
                return None
        return (node.methods, tuple(ids)) if node.methods else None


def _below(node: Node[T], part: str) -> Node[T]:
    """The node that a part of a path leads to; made if it does not exist."""
    if not part.startswith("{"):
        return node.words.setdefault(part, Node())
    kind = part.strip("{}").partition(":")[2]
    if kind == "name":
        node.name = node.name or Node()
        return node.name
    if kind == "rest":
        node.rest = node.rest or Node()
        return node.rest
    node.number = node.number or Node()
    return node.number


def _below_all(node: Node[T], path: str) -> Iterator[tuple[str, str]]:
    yield from ((method, path) for method in node.methods)
    for word, below in node.words.items():
        yield from _below_all(below, f"{path}/{word}")
    for each in (node.number, node.name, node.rest):
        if each is not None:
            yield from _below_all(each, path + "/{}")

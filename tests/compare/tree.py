"""Statements as trees of text, so that what differs can be cut down without knowing SQL.

A node's text is that of its parts. `sort` says in place of what it may stand: a part of the same sort can take a node's place
when a statement is shrunk. A node with a `substitute` can be left out for it, and a list loses items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Node:
    sort: str
    parts: tuple[str | Node, ...]
    substitute: str | None = None
    between: str = ""

    def __str__(self) -> str:
        return self.between.join(map(str, self.parts))

    @property
    def is_list(self) -> bool:
        return bool(self.between)


def clause(*parts: str | Node) -> Node:
    """What a statement means something without."""
    return Node("clause", parts, substitute="")


def items(parts: list[Node], between: str = ", ") -> Node:
    return Node("items", tuple(parts), between=between)


def smaller(node: Node) -> Iterator[Node]:
    """The tree with one thing less, those first that have lost most."""
    yield from own(node)
    for place, part in enumerate(node.parts):
        if isinstance(part, Node):
            for less in smaller(part):
                yield replace(node, parts=(*node.parts[:place], less, *node.parts[place + 1 :]))


def own(node: Node) -> Iterator[Node]:
    """What can take the place of the node itself."""
    if node.substitute is not None and str(node) != node.substitute:
        yield replace(node, parts=(node.substitute,), between="")
    for part in inside(node):
        if part.sort == node.sort and node.sort not in ("clause", "items"):
            yield part
    if node.is_list and len(node.parts) > 1:
        for place in range(len(node.parts)):
            yield replace(node, parts=node.parts[:place] + node.parts[place + 1 :])


def inside(node: Node) -> Iterator[Node]:
    """All nodes below, the nearest first."""
    level = [part for part in node.parts if isinstance(part, Node)]
    while level:
        yield from level
        level = [part for each in level for part in each.parts if isinstance(part, Node)]

"""The glossary knows every word of the hospital that the code uses as a name."""

import enum
import inspect
import re

from tests.house.source import PACKAGE, ROOT
from zoapets import entities
from zoapets.entities import Entity, SharedEntity

TERM = re.compile(r"`([^`]+)`")


def rows() -> list[list[str]]:
    """The cells of every row of every table of the glossary."""
    lines = (ROOT / "docs" / "glossario.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    return [row for row in cells if row[0] != "Termo" and not row[0].startswith("---")]


def enums() -> list[type[enum.StrEnum]]:
    rooms = [module for _, module in inspect.getmembers(entities, inspect.ismodule)]
    found = {kind for room in rooms for _, kind in inspect.getmembers(room, inspect.isclass)}
    return sorted((kind for kind in found if issubclass(kind, enum.StrEnum) and kind is not enum.StrEnum), key=str)


TERMS = [term for row in rows() for term in TERM.findall(row[0])]


def test_every_table_is_explained() -> None:
    for base in (Entity, SharedEntity):
        assert {table.name for table in base.metadata.sorted_tables} - set(TERMS) == set()
        assert {mapper.class_.__name__ for mapper in base.registry.mappers} - set(TERMS) == set()


def test_every_stored_word_is_explained() -> None:
    explained = {term: set(TERM.findall(row[1])) for row in rows() for term in TERM.findall(row[0])}

    assert len(enums()) > 10
    assert {kind.__name__: set(kind) - explained.get(kind.__name__, set()) for kind in enums()} == {
        kind.__name__: set() for kind in enums()
    }


def test_every_term_is_explained_once_in_both_languages() -> None:
    assert [row for row in rows() if len(row) != 3 or not all(row)] == []
    assert sorted(TERMS) == sorted(set(TERMS))


def test_no_term_outlives_the_code() -> None:
    source = "\n".join(path.read_text() for path in PACKAGE.rglob("*.py"))

    assert [term for term in TERMS if not re.search(rf"\b{re.escape(term)}\b", source)] == []

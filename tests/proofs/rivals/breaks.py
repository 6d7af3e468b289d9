"""What several breaks have in common."""

from typing import TypeVar

from zoapets.core.statements import Query

T = TypeVar("T")


def unlocked(statement: Query[T]) -> Query[T]:
    """The same statement, which holds nothing."""
    text, lock, _ = statement.sql.rpartition("FOR ")
    assert lock, f"it locks nothing: {statement.sql}"
    return Query(text, statement._names, statement.row)

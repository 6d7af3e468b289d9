"""Lists come in pages: `{data, meta: {total, page, lastPage}}`."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta

from zoapets.common.schema import Read

T = TypeVar("T")

PageNumber = Annotated[int, Meta(ge=1, le=1_000_000, description="Página, a partir de 1.")]
PageLimit = Annotated[int, Meta(ge=1, le=100, description="Itens por página, no máximo 100.")]


class PageMeta(Read):
    total: int
    page: int
    last_page: int


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list."""

    data: list[T]
    meta: PageMeta


def page_of(data: list[T], total: int, page: int, limit: int) -> Page[T]:
    return Page(data, PageMeta(total, page, -(-total // limit)))

"""The verbs of auditoria."""

from typing import Any

from zoapets.common.errors import FieldError, Unprocessable
from zoapets.common.paging import Page, page_of
from zoapets.core.context import TenantContext
from zoapets.modules.auditoria import queries
from zoapets.modules.auditoria.schemas import AuditoriaRead


class AuditoriaService:
    """What triggers wrote in the transaction of each change. Nobody in the hospital can write or mend it."""

    def __init__(self, ctx: TenantContext) -> None:
        self.db = ctx.db

    async def search(self, *, page: int, limit: int, **wanted: Any) -> Page[AuditoriaRead]:
        """One page of what matches every filter in `wanted` that is not None, the newest first.

        `meta.total` stops at 10,001, which stands for "more than 10,000", and pages end there; `antes_de`, the last
        `id` seen, goes on from any place at the price of a first page. With it, `meta.total` counts what is left.
        """
        if page > 1 and page * limit > queries.MOST_COUNTED:
            raise Unprocessable(errors=[FieldError("page", "vai só até o registro 10.000; siga com `antesDe`")])
        given = {name: value for name, value in wanted.items() if value is not None}
        rows, total = queries.search(frozenset(given))
        found = await self.db.all(rows, page_limit=limit, page_offset=(page - 1) * limit, **given)
        return page_of(found, await self.db.one(total, **given), page, limit)

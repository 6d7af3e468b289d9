"""Shapes of tenants; what goes out is the registry's own `TenantRead`."""

from zoapets.common.paging import PageLimit, PageNumber
from zoapets.common.schema import Query, Reason, Write
from zoapets.entities.shared import TenantStatus


class TenantFiltros(Query):
    status: TenantStatus | None = None
    page: PageNumber = 1
    limit: PageLimit = 20


class Suspensao(Write):
    """Why a hospital is suspended."""

    motivo: Reason

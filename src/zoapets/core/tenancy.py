"""The tenant gate: the only way from a request to a hospital's rows.

The application logs in as `zoapets_app`, which can read no hospital. For each unit of work the gate takes the
hospital's role and search_path, in one message, for that transaction alone. Forgetting it ends in "permission
denied"; a connection left in another role fails the division and is destroyed.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

from sqlalchemy import bindparam, select

from zoapets.common.schema import Read
from zoapets.core.database import ASSERT_CLEAN
from zoapets.core.pool import Gate
from zoapets.core.statements import columns, query
from zoapets.entities.shared import Tenant, TenantStatus, TenantTipo

APP_ROLE = "zoapets_app"
_SCHEMA = re.compile(r"tenant_[a-z0-9]{1,40}")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class TenantRow(Read):
    """A hospital as the registry knows it."""

    id: UUID
    slug: str
    nome: str
    tipo: TenantTipo
    status: TenantStatus
    schema_name: str
    fuso: str


TENANT_BY_ID = query(select(*columns(TenantRow, Tenant)).where(Tenant.id == bindparam("id")), TenantRow)


@dataclass(frozen=True, slots=True)
class Origin:
    """Whence a write comes, for the audit trail."""

    request_id: str = "-"
    address: str = "-"


def shared_gate(*, read_only: bool = False) -> Gate:
    """The gate for `public` alone: the registry, the e-mail directory, login attempts. No hospital is in reach."""
    mode = "read only" if read_only else "read write"
    return Gate(f"begin {mode}; {ASSERT_CLEAN}; set local search_path = public;", "public", read_only)


def tenant_gate(
    schema: str,
    *,
    read_only: bool,
    actor: UUID | None = None,
    origin: Origin | None = None,
    timeout_ms: int | None = None,
) -> Gate:
    """The gate for one hospital: its role and search_path, for one transaction, READ ONLY or not.

    Every part is of a fixed charset: the schema from the registry, the actor's id, an address and a request id.
    `timeout_ms` is for statements that must be quicker than the pool's own limit.
    """
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"not a hospital's schema: {schema!r}")
    text = (
        f"begin {'read only' if read_only else 'read write'}; {ASSERT_CLEAN}; "
        f"set local role {schema}; set local search_path = {schema};"
    )
    if timeout_ms is not None:
        text += f" set local statement_timeout = {timeout_ms:d};"
    if not read_only:
        origin = origin or Origin()
        request_id = origin.request_id if _REQUEST_ID.fullmatch(origin.request_id) else "-"
        text += (
            f" set local zoapets.actor = '{actor or ''}'; set local zoapets.origem = '{_address(origin.address)}';"
            f" set local zoapets.requisicao = '{request_id}';"
        )
    return Gate(text, schema, read_only)


@lru_cache(maxsize=1024)
def _address(text: str) -> str:
    for kind in (IPv4Address, IPv6Address):
        try:
            # Without an IPv6 scope: that is text of the client's own.
            return str(kind(text.partition("%")[0]))
        except ValueError:
            continue
    # Commands and jobs say what they are in place of an address.
    return text if _REQUEST_ID.fullmatch(text) else "-"

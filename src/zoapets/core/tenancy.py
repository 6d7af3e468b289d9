"""The tenant gate: the only way from a request to a hospital's rows.

The application logs in as `zoapets_app`, which can read no hospital. For each unit of work the gate takes the
hospital's role and search_path, in one message, for that transaction alone. Forgetting it ends in "permission
denied"; a connection left in another role fails the division and is destroyed.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

from sqlalchemy import bindparam, select

from zoapets.common.schema import Read
from zoapets.core.database import ASSERT_CLEAN
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


def shared_gate(*, read_only: bool = False, timeout_ms: int = 5000) -> str:
    """The gate for `public` alone: the registry, the e-mail directory, login attempts. No hospital is in reach."""
    mode = "read only" if read_only else "read write"
    return (
        f"begin {mode}; {ASSERT_CLEAN}; set local search_path = public; set local statement_timeout = {timeout_ms:d};"
    )


def tenant_gate(
    schema: str, *, read_only: bool, actor: UUID | None = None, origin: Origin | None = None, timeout_ms: int = 15_000
) -> str:
    """The one message that opens a unit of work in a hospital.

    Every part is of a fixed charset: the schema from the registry, the actor's id, an address and a request id.
    """
    if not _SCHEMA.fullmatch(schema):
        raise ValueError(f"not a hospital's schema: {schema!r}")
    gate = (
        f"begin {'read only' if read_only else 'read write'}; {ASSERT_CLEAN}; "
        f"set local role {schema}; set local search_path = {schema}; "
        f"set local statement_timeout = {timeout_ms:d};"
    )
    if read_only:
        return gate
    origin = origin or Origin()
    request_id = origin.request_id if _REQUEST_ID.fullmatch(origin.request_id) else "-"
    return (
        f"{gate} set local lock_timeout = 5000; set local zoapets.actor = '{actor or ''}'; "
        f"set local zoapets.origem = '{_address(origin.address)}'; set local zoapets.requisicao = '{request_id}';"
    )


def _address(text: str) -> str:
    for kind in (IPv4Address, IPv6Address):
        try:
            # Without an IPv6 scope: that is text of the client's own.
            return str(kind(text.partition("%")[0]))
        except ValueError:
            continue
    # Commands and jobs say what they are in place of an address.
    return text if _REQUEST_ID.fullmatch(text) else "-"

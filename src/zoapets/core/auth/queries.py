"""Statements about places to sign in, passwords and sessions."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, insert, or_, select, update

from zoapets.common.schema import Read
from zoapets.core.auth.schemas import SessaoRead
from zoapets.core.statements import columns, query
from zoapets.core.tenancy import TenantRow
from zoapets.entities.shared import EmailDirectory, Tenant
from zoapets.entities.users import Sessao, User

# How many hospitals an e-mail is tried in when none is named; each costs a hash.
MOST_HOSPITALS = 8
MOST_SESSIONS = 100


class Place(Read):
    """A hospital that knows the e-mail."""

    user_id: UUID
    tenant: TenantRow


class Lineage(Read):
    """How far a session's refresh tokens have come."""

    geracao: int
    refresh_hash: str
    renovada_em: datetime


_tenant = bindparam("tenant", type_=Text)
PLACES = query(
    select(*columns(Place, EmailDirectory, tenant=Tenant))
    .join(Tenant, Tenant.id == EmailDirectory.tenant_id)
    .where(
        EmailDirectory.email == bindparam("email"),
        or_(_tenant.is_(None), cast(Tenant.id, Text) == _tenant, Tenant.slug == _tenant),
    )
    .order_by(Tenant.id)
    .limit(MOST_HOSPITALS),
    Place,
)
_me = (User.id == bindparam("user_id")) & User.ativo
HASH = query(select(User.senha_hash).where(_me))
# Held until the session is stored: a password that is changed meanwhile finds the session and ends it.
HOLD = query(select(User.id).where(_me, User.senha_hash == bindparam("hashed")).with_for_update(read=True))
UPGRADE = query(update(User).where(_me, User.senha_hash == bindparam("hashed")).values(senha_hash=bindparam("better")))
CHANGE = query(
    update(User)
    .where(_me, User.senha_hash == bindparam("hashed"))
    .values(
        senha_hash=bindparam("new"),
        senha_trocada_em=bindparam("now"),
        updated_at=bindparam("now"),
        versao=User.versao + 1,
    )
)
OPEN = query(
    insert(Sessao).values(
        criada_em=bindparam("now"),
        renovada_em=bindparam("now"),
        **{name: bindparam(name) for name in ("id", "user_id", "refresh_hash", "expira_em", "ip", "dispositivo")},
    )
)
_session = (Sessao.id == bindparam("sessao_id")) & (Sessao.user_id == bindparam("dono_id"))
_open = Sessao.revogada_em.is_(None) & (Sessao.expira_em > bindparam("now"))
LINEAGE = query(select(*columns(Lineage, Sessao)).where(_session).with_for_update(), Lineage)
ROTATE = query(
    update(Sessao)
    .where(_session)
    .values({name: bindparam(name) for name in ("geracao", "refresh_hash", "renovada_em", "expira_em")})
)
_END = update(Sessao).values(revogada_em=bindparam("now"), motivo_revogacao=bindparam("motivo"))
END = query(_END.where(_session, _open))
END_OTHERS = query(_END.where(Sessao.user_id == bindparam("dono_id"), Sessao.id != bindparam("sessao_id"), _open))
SESSIONS = query(
    select(*columns(SessaoRead, Sessao, atual=Sessao.id == bindparam("sessao_id")))
    .where(Sessao.user_id == bindparam("dono_id"), _open)
    .order_by(Sessao.renovada_em.desc(), Sessao.id.desc())
    .limit(MOST_SESSIONS),
    SessaoRead,
)

"""Logins and the sessions that grow from them.

It opens its own units of work: nobody is signed in yet, or the end of a session must last though the answer is an
error. None is held while a password is hashed.
"""

import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import cast
from uuid import UUID

import structlog

from zoapets.common.errors import Conflict, FieldError, NotFound, Unauthorized, Unprocessable
from zoapets.common.ids import new_id
from zoapets.core.auth.access import ACCESS, AccessRow, Grant, HospitalSuspenso, SessaoEncerrada, actor_of
from zoapets.core.auth.attempts import Attempts, MuitasTentativasDeLogin
from zoapets.core.auth.queries import (
    CHANGE,
    END,
    END_OTHERS,
    HASH,
    HOLD,
    LINEAGE,
    OPEN,
    PLACES,
    ROTATE,
    SESSIONS,
    UPGRADE,
    Place,
)
from zoapets.core.auth.schemas import (
    HospitalBrief,
    HospitalDoLogin,
    LoginRead,
    LoginWrite,
    MeRead,
    SessaoRead,
    TokensRead,
    TrocaDeSenhaWrite,
    UserDoLogin,
)
from zoapets.core.auth.tokens import RefreshClaims
from zoapets.core.database import UnitOfWork, finishing
from zoapets.core.permissions import Permission
from zoapets.core.runtime import Runtime
from zoapets.core.tenancy import Origin, TenantRow, shared_gate, tenant_gate
from zoapets.entities.shared import TenantStatus
from zoapets.entities.users import MotivoRevogacao

log = structlog.get_logger("zoapets.auth")

# How long a client that lost the answer to a refresh may ask again (RFC 9700 4.14.2 rotates; a lost answer must not
# lock anybody out).
RETRY = timedelta(seconds=10)


class CredenciaisInvalidas(Unauthorized):
    """Wrong e-mail, password or hospital, or a deactivated user: it is not told which."""

    title = "E-mail ou senha incorretos."
    advice = "Confira o e-mail, a senha e o hospital; se esqueceu a senha, peça outra a um administrador do hospital."


class EscolhaUmHospital(Conflict):
    """The e-mail and password fit in several hospitals, and none was named."""

    title = "Este e-mail é de mais de um hospital."
    advice = "Envie de novo com `tenantId`: o id ou o slug de um dos `hospitais`."


class ReusoDeToken(Unauthorized):
    """A refresh token that had been exchanged came again: it may be stolen, so its session was ended."""

    title = "Este token de renovação já foi usado; por segurança, a sessão foi encerrada."
    advice = "Entre de novo em POST /auth/login e, se não foi você, troque a senha."


class SenhaAtualIncorreta(Unprocessable):
    """The current password was not the one given."""

    title = "A senha atual não confere."
    advice = "Digite de novo a senha com que você entra hoje."


class SenhaTrocadaPorOutro(Conflict):
    """The password was changed while this request was changing it."""

    title = "A senha mudou durante a troca."
    advice = "Entre de novo com a senha mais recente."


class SessaoNaoEncontrada(NotFound):
    """This person has no open session of this id."""

    title = "Sessão não encontrada."
    advice = "Veja as suas sessões abertas em GET /auth/sessoes."


@dataclass(frozen=True, slots=True)
class Proof:
    """The password fits `hashed` in this place; `better` is to be kept from now on."""

    user_id: UUID
    tenant: TenantRow
    hashed: str
    better: str | None


class AuthService:
    """`origin` and `device` are of the client that asks; a new session remembers them."""

    def __init__(self, runtime: Runtime, origin: Origin, device: str | None = None) -> None:
        self._runtime = runtime
        self._origin = origin
        self._device = device
        self._clock = runtime.clock
        self._tokens = runtime.tokens
        self._attempts = Attempts(runtime.pool, runtime.clock)

    async def login(self, data: LoginWrite) -> LoginRead:
        """A new session.

        Raises CredenciaisInvalidas, MuitasTentativasDeLogin and, after the right password only, HospitalSuspenso or
        EscolhaUmHospital.
        """
        outcomes = self._runtime.metrics.logins
        try:
            opened = await self._login(data)
        except MuitasTentativasDeLogin:
            outcomes.labels("limited").inc()
            raise
        except (CredenciaisInvalidas, HospitalSuspenso):
            outcomes.labels("denied").inc()
            raise
        outcomes.labels("ok").inc()
        return opened

    async def refresh(self, token: str) -> TokensRead:
        """The next pair of tokens. ReusoDeToken, and the end of the session, for a token that was exchanged before."""
        claims = self._tokens.read_refresh(token, self._clock.now())
        tenant = await self._runtime.access.tenant(UUID(claims.tenant_id))
        renewed = await self._rotate(claims, tenant, digest(token))
        if renewed is None:
            self._runtime.access.forget()
            log.warning("refresh token reused", tenant=claims.tenant_id, session=claims.sid)
            raise ReusoDeToken
        return renewed

    async def logout(self, grant: Grant) -> None:
        """End the session that asks."""
        await self._end(grant, grant.actor.sessao_id, MotivoRevogacao.LOGOUT)

    async def sessions(self, grant: Grant) -> list[SessaoRead]:
        """The person's open sessions, the one used last first; at most 100."""
        async with self._hospital(grant.hospital.tenant, read_only=True) as db:
            return await db.all(
                SESSIONS, sessao_id=grant.actor.sessao_id, dono_id=grant.actor.id, now=self._clock.now()
            )

    async def end_session(self, grant: Grant, sessao_id: UUID) -> None:
        """End one of the person's sessions; SessaoNaoEncontrada for one that is not theirs or not open."""
        if not await self._end(grant, sessao_id, MotivoRevogacao.REVOGADA):
            raise SessaoNaoEncontrada

    async def change_password(self, grant: Grant, data: TrocaDeSenhaWrite) -> None:
        """A new password; it ends the person's other sessions. A wrong current one counts as a failed login."""
        actor, tenant, address = grant.actor, grant.hospital.tenant, self._origin.address
        email = actor.email.lower()
        async with self._shared(read_only=True) as db:
            await self._attempts.check(db, email, address)
        async with self._hospital(tenant, read_only=True) as db:
            hashed = await db.first(HASH, user_id=actor.id)
        fits, _ = await self._runtime.passwords.verify(data.senha_atual, hashed)
        if not fits:
            await self._attempts.failed(email, address)
            raise SenhaAtualIncorreta(errors=[FieldError("senhaAtual", "não confere")])
        async with self._shared(read_only=True) as db:
            await self._attempts.check(db, email, address)
        new, now = await self._runtime.passwords.hash(data.nova_senha), self._clock.now()
        async with self._hospital(tenant, actor=actor.id) as db:
            if not await db.run(CHANGE, user_id=actor.id, hashed=hashed, new=new, now=now):
                raise SenhaTrocadaPorOutro
            await db.run(
                END_OTHERS,
                dono_id=actor.id,
                sessao_id=actor.sessao_id,
                now=now,
                motivo=MotivoRevogacao.TROCA_DE_SENHA,
            )
        self._runtime.access.forget()

    # --- login, in its two halves

    async def _login(self, data: LoginWrite) -> LoginRead:
        # Twice: a login at the same time may have upgraded the hash since it was proved.
        for _ in range(2):
            opened = await self._open(await self._prove(data))
            if opened is not None:
                return opened
        raise CredenciaisInvalidas

    async def _prove(self, data: LoginWrite) -> Proof:
        """Where the password fits: in one hospital that is active."""
        email, address = str(data.email), self._origin.address
        tenant = data.tenant_id.strip().lower() if data.tenant_id is not None else None
        async with self._shared(read_only=True) as db:
            await self._attempts.check(db, email, address)
            places = await db.all(PLACES, email=email, tenant=tenant)
        proofs = [proof for place in places if (proof := await self._try(place, data.password))]
        if not places:
            # As long as for an account that exists.
            await self._runtime.passwords.verify(data.password, None)
        if not proofs:
            await self._attempts.failed(email, address)
            raise CredenciaisInvalidas
        await self._attempts.succeeded(email, address)
        active = [proof for proof in proofs if proof.tenant.status is TenantStatus.ATIVO]
        if not active:
            raise HospitalSuspenso
        if len(active) > 1:
            raise EscolhaUmHospital(hospitais=[_brief(proof.tenant) for proof in active])
        return active[0]

    async def _try(self, place: Place, password: str) -> Proof | None:
        async with self._hospital(place.tenant, read_only=True) as db:
            hashed = await db.first(HASH, user_id=place.user_id)
        fits, better = await self._runtime.passwords.verify(password, hashed)
        return Proof(place.user_id, place.tenant, hashed, better) if fits and hashed else None

    async def _open(self, proof: Proof) -> LoginRead | None:
        """Store the session; None when the password is no longer the one that was proved."""
        now, sessao_id, user_id = _whole(self._clock.now()), new_id(), proof.user_id
        refresh_token = self._refresh_token(user_id, proof.tenant.id, sessao_id, 0, now)
        async with self._hospital(proof.tenant, actor=user_id) as db:
            if proof.better is None:
                unchanged = await db.first(HOLD, user_id=user_id, hashed=proof.hashed)
            else:
                unchanged = await db.run(UPGRADE, user_id=user_id, hashed=proof.hashed, better=proof.better)
            if not unchanged:
                return None
            await db.run(
                OPEN,
                id=sessao_id,
                user_id=user_id,
                refresh_hash=digest(refresh_token),
                now=now,
                expira_em=now + self._tokens.refresh_expires,
                ip=self._origin.address,
                dispositivo=self._device,
            )
            person = await db.one(ACCESS, user_id=user_id, sessao_id=sessao_id, now=now)
        actor = actor_of(person, proof.tenant, sessao_id)
        user = UserDoLogin(
            user_id,
            actor.nome,
            actor.email,
            actor.roles,
            sorted_permissions(actor.permissions),
            proof.tenant.id,
            _brief(proof.tenant),
        )
        tokens = self._pair(person, proof.tenant, sessao_id, refresh_token)
        return LoginRead(tokens.access_token, tokens.refresh_token, tokens.expires_in, user)

    # --- sessions

    async def _rotate(self, claims: RefreshClaims, tenant: TenantRow, presented: str) -> TokensRead | None:
        """The session's next tokens, or the same ones again; None when the session was ended for reuse."""
        user_id, sessao_id = UUID(claims.sub), UUID(claims.sid)
        now = _whole(self._clock.now())
        async with self._hospital(tenant, actor=user_id) as db:
            lineage = await db.first(LINEAGE, sessao_id=sessao_id, dono_id=user_id)
            # Asked after the lock: who waited for it sees what the one before has done.
            person: AccessRow | None = await db.first(ACCESS, user_id=user_id, sessao_id=sessao_id, now=now)
            if lineage is None or person is None or not person.ativo:
                raise SessaoEncerrada
            if claims.gen == lineage.geracao and presented == lineage.refresh_hash:
                following = self._refresh_token(user_id, tenant.id, sessao_id, claims.gen + 1, now)
                await db.run(
                    ROTATE,
                    sessao_id=sessao_id,
                    dono_id=user_id,
                    geracao=claims.gen + 1,
                    refresh_hash=digest(following),
                    renovada_em=now,
                    expira_em=now + self._tokens.refresh_expires,
                )
            else:
                following = self._refresh_token(user_id, tenant.id, sessao_id, lineage.geracao, lineage.renovada_em)
                again = claims.gen == lineage.geracao - 1 and now - lineage.renovada_em <= RETRY
                if not again or digest(following) != lineage.refresh_hash:
                    await db.run(END, sessao_id=sessao_id, dono_id=user_id, now=now, motivo=MotivoRevogacao.REUSO)
                    return None
        return self._pair(person, tenant, sessao_id, following)

    async def _end(self, grant: Grant, sessao_id: UUID | None, motivo: MotivoRevogacao) -> bool:
        async with self._hospital(grant.hospital.tenant, actor=grant.actor.id) as db:
            ended = await db.run(END, sessao_id=sessao_id, dono_id=grant.actor.id, now=self._clock.now(), motivo=motivo)
        self._runtime.access.forget()
        return ended > 0

    def _pair(self, person: AccessRow, tenant: TenantRow, sessao_id: UUID, refresh_token: str) -> TokensRead:
        access_token = self._tokens.access(
            user_id=person.id,
            email=person.email,
            roles=tuple(role.nome for role in person.roles),
            tenant_id=tenant.id,
            sessao_id=sessao_id,
            now=self._clock.now(),
        )
        return TokensRead(access_token, refresh_token, int(self._tokens.expires.total_seconds()))

    def _refresh_token(self, user_id: UUID, tenant_id: UUID, sessao_id: UUID, generation: int, at: datetime) -> str:
        return self._tokens.refresh(
            user_id=user_id, tenant_id=tenant_id, sessao_id=sessao_id, generation=generation, at=at
        )

    def _shared(self, *, read_only: bool) -> AbstractAsyncContextManager[UnitOfWork]:
        return finishing(UnitOfWork(self._runtime.pool, shared_gate(read_only=read_only)))

    def _hospital(
        self, tenant: TenantRow, *, read_only: bool = False, actor: UUID | None = None
    ) -> AbstractAsyncContextManager[UnitOfWork]:
        gate = tenant_gate(tenant.schema_name, read_only=read_only, actor=actor, origin=self._origin)
        return finishing(UnitOfWork(self._runtime.pool, gate))


def me(grant: Grant) -> MeRead:
    """The person as the grant knows them: no query."""
    actor, tenant = grant.actor, grant.hospital.tenant
    return MeRead(
        # A grant is a person's; commands, which have no id, get none.
        cast("UUID", actor.id),
        actor.nome,
        actor.email,
        actor.roles,
        sorted_permissions(actor.permissions),
        tenant.id,
        HospitalDoLogin(tenant.id, tenant.slug, tenant.nome, tenant.fuso),
        actor.sessao_id,
    )


@lru_cache(maxsize=1024)
def sorted_permissions(permissions: frozenset[Permission]) -> tuple[str, ...]:
    return tuple(sorted(permission.value for permission in permissions))


def digest(token: str) -> str:
    """What is kept of a refresh token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _brief(tenant: TenantRow) -> HospitalBrief:
    return HospitalBrief(tenant.id, tenant.slug, tenant.nome)


def _whole(instant: datetime) -> datetime:
    """To the second, as tokens count: from what is stored, the same token can be made again."""
    return instant.replace(microsecond=0)

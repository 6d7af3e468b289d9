"""One refresh token: however often it is sent at once, it is exchanged once; a session that is ended stays ended."""

import hashlib
import itertools
from uuid import UUID

import pytest

from tests.cast import PASSWORD, Hospital, Person
from tests.core.auth.door import known
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import RIVALS, Arena, until_seen
from tests.proofs.rivals.breaks import unlocked
from tests.proofs.rivals.conftest import IN_ONE_PROCESS
from tests.proofs.rivals.contest import Rival, Told, misspoken, winners, words
from zoapets.core.auth import service
from zoapets.core.auth.queries import LINEAGE

LOGIN = "/auth/login"
ENDED = {"renovar": {"401 sessao-encerrada"}, "encerrar": {"404 sessao-nao-encontrada"}}
Tokens = tuple[Person, str, UUID]


async def login(hospital: Hospital, email: str, user_id: UUID) -> Tokens:
    """A new session: the person in it, its refresh token, its id."""
    answer = await hospital.stage.http.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    person = Person(hospital.stage, user_id, email, answer.json()["accessToken"])
    me = await person.get("/auth/me")
    return person, answer.json()["refreshToken"], UUID(me.json()["sessaoId"])


async def changed_by(hospital: Hospital, told: list[Told], sessao_id: UUID) -> set[str]:
    """The requests that have changed the session."""
    rows = await hospital.sql(
        "select requisicao_id from {s}.auditoria where tabela = 'sessoes' and acao = 'alterar' and registro_id = $1",
        str(sessao_id),
    )
    changed = [row["requisicao_id"] for row in rows]
    assert set(changed) <= {one.request_id for one in told}
    return set(changed)


async def for_one_token(arena: Arena, user: tuple[UUID, str]) -> list[str]:
    """Findings of one round: everybody sends the same token."""
    hospital = arena.hospital
    person, token, sessao_id = await login(hospital, user[1], user[0])
    body = {"refreshToken": token}
    told = await arena.contest([Rival("renovar", person, "POST", "/auth/refresh", body) for _ in range(RIVALS)])
    found = misspoken(told, {"renovar": set()})
    successors = {one.answer.json()["refreshToken"] for one in winners(told)}
    if len(successors) != 1:
        found.append(f"{len(successors)} successors of one token: {words(told)}")
    [row] = await hospital.sql("select geracao, refresh_hash from {s}.sessoes where id = $1", sessao_id)
    if row["geracao"] != 1 or row["refresh_hash"] not in {
        hashlib.sha256(one.encode()).hexdigest() for one in successors
    }:
        found.append(f"told {len(successors)} successors, stored is generation {row['geracao']}")
    changed = await changed_by(hospital, told, sessao_id)
    if len(changed) != 1:
        found.append(f"{len(changed)} requests have exchanged one token")
    return found


async def for_one_session(arena: Arena, user: tuple[UUID, str]) -> list[str]:
    """Findings of one round: half of them refresh a session while the other half ends it from another one."""
    hospital = arena.hospital
    (person, token, sessao_id), (other, _, _) = [await login(hospital, user[1], user[0]) for _ in range(2)]
    renew = Rival("renovar", person, "POST", "/auth/refresh", {"refreshToken": token})
    end = Rival("encerrar", other, "DELETE", f"/auth/sessoes/{sessao_id}")
    told = await arena.contest([renew, end] * (RIVALS // 2))
    found = misspoken(told, ENDED)
    if len(winners(told, "encerrar")) != 1:
        found.append(f"ended {len(winners(told, 'encerrar'))} times: {words(told)}")
    renewed = winners(told, "renovar")
    changed = await changed_by(hospital, told, sessao_id)
    if len(changed) != 1 + bool(renewed) or not changed >= {one.request_id for one in winners(told, "encerrar")}:
        found.append(f"{len(changed)} requests have changed the session: {words(told)}")
    left = [one.answer.json()["refreshToken"] for one in renewed] + [token]
    for one in set(left):
        answer = await hospital.stage.http.post("/auth/refresh", json={"refreshToken": one})
        if answer.status_code != 401:
            found.append(f"an ended session was refreshed: {answer.status_code}")
    if (await other.get("/auth/me")).status_code != 200:
        found.append("the other session ended with it")
    return found


@pytest.fixture
def restless(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the clock sees another time, so that two rotations do not make the same token by chance.

    All looks of one round, three for each rival, are within the time in which a lost answer may be asked for again.
    """
    if "way" in request.fixturenames and request.getfixturevalue("way")[0] != IN_ONE_PROCESS:
        return
    clock = request.getfixturevalue("crowd").clock
    start, looks, step = clock.now(), itertools.count(), service.RETRY * 0.8 / (3 * RIVALS)
    monkeypatch.setattr(clock, "now", lambda: start + step * next(looks))


@pytest.mark.usefixtures("restless")
async def test_one_refresh_token_is_exchanged_once(arena: Arena, proof: Ledger) -> None:
    user = await known(arena.hospital)
    found = await arena.rounds(lambda: for_one_token(arena, user))
    assert found == []
    arena.took(proof, "one refresh token: one exchange, all get its successor")


async def test_a_session_that_ends_while_it_is_refreshed_has_ended(arena: Arena, proof: Ledger) -> None:
    user = await known(arena.hospital)
    found = await arena.rounds(lambda: for_one_session(arena, user))
    assert found == []
    arena.took(proof, "one session, ended while it is refreshed: one end, no token of it lives on")


@pytest.mark.usefixtures("restless")
async def test_the_check_sees_a_rotation_that_holds_nothing(
    broken: Arena, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "LINEAGE", unlocked(LINEAGE))
    user = await known(broken.hospital)
    found = await until_seen("requests have exchanged one token", lambda: for_one_token(broken, user))
    proof.seen("a rotation without its lock", findings=len(found))

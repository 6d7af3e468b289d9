"""A person's sessions: tokens exchanged, repeated and stolen, sessions ended in every way, as a dict has it."""

from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.cast import PASSWORD, Hospital, Person
from tests.core.auth.door import StillClock, known
from tests.proofs.ledger import Ledger
from tests.proofs.models.machine import Machine, divergence
from zoapets.core.auth import service

PICK = st.integers(0, 20)
ENDED, REUSED = "401 sessao-encerrada", "401 reuso-de-token"
RETRY_S = 10
MOST_SESSIONS = 6


class Sessions(Machine):
    """One user with a few sessions, and administrators who deactivate them."""

    roles: ClassVar[tuple[str, str, str]] = ("Administrador", "Administrador", "Administrador")

    @initialize()
    def hire(self) -> None:
        self.user_id, self.email = self.do(known(self.hospital))
        self.active = True
        self.sessions: list[dict[str, Any]] = []

    def send(self, path: str, body: Any) -> Any:
        return self.do(self.hospital.stage.http.post(path, json=body))

    def person(self, session: dict[str, Any]) -> Person:
        return Person(self.hospital.stage, self.user_id, self.email, session["access"])

    def lives(self, session: dict[str, Any]) -> bool:
        return self.active and not session["ended"]

    # Not while the user may not come in: too many of those, and nobody may try for a while.
    @precondition(lambda self: self.active and len(self.sessions) < MOST_SESSIONS)
    @rule()
    def login(self) -> None:
        made = self.told(self.send("/auth/login", {"email": self.email, "password": PASSWORD}), "200")
        session = {"access": made["accessToken"], "tokens": [made["refreshToken"]], "at": self.clock.now()}
        session["id"] = self.do(self.person(session).get("/auth/me")).json()["sessaoId"]
        self.sessions.append(session | {"ended": False})

    @precondition(lambda self: self.sessions)
    @rule(pick=PICK)
    def refresh(self, pick: int) -> None:
        """With the newest token of a session, more often of one that lives."""
        living = [session for session in self.sessions if self.lives(session)] if pick % 3 else []
        among = living or self.sessions
        self.present(among[pick % len(among)], 0)

    @precondition(lambda self: any(len(session["tokens"]) > 1 for session in self.sessions))
    @rule(pick=PICK, back=st.sampled_from([1, 1, 1, 2]), seconds=st.sampled_from([0, 5, 10, 11, 60]))
    def repeat(self, pick: int, back: int, seconds: int) -> None:
        """With the token before, or an older one, after some time."""
        self.clock.forward(seconds)
        among = [session for session in self.sessions if len(session["tokens"]) > 1]
        self.present(among[pick % len(among)], back)

    def present(self, session: dict[str, Any], back: int) -> None:
        """The token that many before the newest."""
        tokens = session["tokens"]
        back = min(back, len(tokens) - 1)
        is_retry = back == 1 and (self.clock.now() - session["at"]).total_seconds() <= RETRY_S
        expected = ENDED if not self.lives(session) else "200" if back == 0 or is_retry else REUSED
        made = self.told(self.send("/auth/refresh", {"refreshToken": tokens[-1 - back]}), expected)
        if expected == REUSED:
            session["ended"] = True
        if expected != "200":
            return
        session["access"] = made["accessToken"]
        if back:
            self.same("the answer that was lost", made["refreshToken"], tokens[-1])
        else:
            tokens.append(made["refreshToken"])
            session["at"] = self.clock.now()

    @precondition(lambda self: self.sessions)
    @rule(pick=PICK, sure=st.integers(0, 2))
    def logout(self, pick: int, sure: int) -> None:
        if sure:
            return
        session = self.sessions[pick % len(self.sessions)]
        expected = "204" if self.lives(session) else ENDED
        self.told(self.do(self.person(session).post("/auth/logout")), expected)
        session["ended"] = session["ended"] or expected == "204"

    @precondition(lambda self: self.sessions)
    @rule(pick=PICK, other=PICK, sure=st.integers(0, 2))
    def end_another(self, pick: int, other: int, sure: int) -> None:
        if sure:
            return
        session, target = self.sessions[pick % len(self.sessions)], self.sessions[other % len(self.sessions)]
        expected = ENDED
        if self.lives(session):
            expected = "404 sessao-nao-encontrada" if target["ended"] else "204"
        self.told(self.do(self.person(session).delete(f"/auth/sessoes/{target['id']}")), expected)
        target["ended"] = target["ended"] or expected == "204"

    @rule(actor=st.integers(0, 2), verb=st.sampled_from(["desativar", "reativar"]), sure=st.integers(0, 4))
    def employ(self, actor: int, verb: str, sure: int) -> None:
        if sure:
            return
        wants = verb == "reativar"
        expected = "200"
        if self.active == wants:
            expected = "409 usuario-ja-ativo" if wants else "409 usuario-ja-desativado"
        body = None if wants else {"motivo": "Saiu."}
        self.told(self.do(self.people[actor].post(f"/users/{UUID(str(self.user_id))}/{verb}", body)), expected)
        self.active = wants
        for session in self.sessions:
            session["ended"] = session["ended"] or not wants

    @precondition(lambda self: self.sessions)
    @rule(pick=PICK)
    def look(self, pick: int) -> None:
        session = self.sessions[pick % len(self.sessions)]
        alive = self.lives(session)
        seen = self.told(self.do(self.person(session).get("/auth/sessoes")), "200" if alive else ENDED)
        if alive:
            expected = {one["id"] for one in self.sessions if self.lives(one)}
            self.same("open sessions", {one["id"] for one in seen}, expected)

    @rule(seconds=st.sampled_from([1, 5, 9, 10, 11, 60]))
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds)


async def test_sessions_are_as_the_model_has_them(new_hospital: Hospital, still: StillClock, proof: Ledger) -> None:
    parted, steps = await divergence(Sessions, new_hospital, still)
    assert parted == ""
    proof.shown("refresh tokens and sessions: no divergence from the model", steps=steps)


async def test_the_model_sees_a_stolen_token_that_is_believed(
    new_hospital: Hospital, still: StillClock, proof: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RETRY", timedelta(hours=1))
    parted, steps = await divergence(Sessions, new_hospital, still, seek=2000)
    assert "not 401 reuso-de-token" in parted, parted
    proof.seen("a token that was exchanged is believed for an hour", steps=steps)

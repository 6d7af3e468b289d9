"""What sign-in asks of the database: what only looks cannot write, and what is written says by whom."""

from typing import Any

import pytest

from tests.cast import PASSWORD, Hospital, Stage
from tests.core.auth.door import Door, known
from zoapets.core.pool import Connection, Gate


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Gate]:
    """The gates of the units of work that began, in their order."""
    gates, begin = list[Gate](), Connection.begin

    async def watched(self: Connection, gate: Gate) -> None:
        gates.append(gate)
        await begin(self, gate)

    monkeypatch.setattr(Connection, "begin", watched)
    return gates


def taken(gates: list[Gate]) -> list[tuple[str, str]]:
    found = [(gate.place.partition("_")[0], "reads" if gate.read_only else "writes") for gate in gates]
    gates.clear()
    return found


async def test_what_only_looks_cannot_write(stage: Stage, hospital: Hospital, door: Door, begun: list[Gate]) -> None:
    _, email = await known(hospital)
    begun.clear()
    access, looks = [("tenant", "reads")], ("public", "reads")
    password = [looks, ("tenant", "reads")]

    pair = await door.tokens(email)
    assert taken(begun) == [*password, ("public", "writes"), ("tenant", "writes")]
    await door.login(email, "uma senha errada")
    assert taken(begun) == [*password, ("public", "writes")]
    stage.runtime.access._schemas.clear()
    await door.me(pair["accessToken"])
    assert taken(begun) == [looks, *access]
    await door.call("GET", "/auth/sessoes", pair["accessToken"])
    assert taken(begun) == [*access, ("tenant", "reads")]
    await door.refresh(pair["refreshToken"])
    assert taken(begun) == [looks, ("tenant", "writes")]
    change = {"senhaAtual": PASSWORD, "novaSenha": "uma senha nova e boa"}
    await door.call("POST", "/auth/trocar-senha", pair["accessToken"], change)
    assert taken(begun) == [*access, *password, looks, ("tenant", "writes")]
    await door.call("POST", "/auth/logout", pair["accessToken"])
    assert taken(begun) == [*access, ("tenant", "writes")]


async def test_what_is_written_says_by_whom_and_whence(hospital: Hospital, door: Door, begun: list[Gate]) -> None:
    user_id, email = await known(hospital)
    pair = await door.tokens(email)

    async def own(method: str, path: str, body: Any = None) -> None:
        answer = await door.call(method, path, pair["accessToken"], body)
        assert answer.status_code == 204, answer.text

    await door.refresh(pair["refreshToken"])
    await own("POST", "/auth/trocar-senha", {"senhaAtual": PASSWORD, "novaSenha": "uma senha nova e boa"})
    await own("POST", "/auth/logout")

    written = [gate.text for gate in begun if gate.place == hospital.schema and not gate.read_only]
    assert len(written) == 4
    for text in written:
        assert f"zoapets.actor = '{user_id}'" in text
        assert "zoapets.origem = '10." in text

"""After a run in which everything is marked: no person and no key in any line of the logs, no key in the database."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cast import Hospital, _client
from tests.proofs.input.operations import operations
from tests.proofs.input.served import Served
from tests.proofs.ledger import Ledger
from tests.proofs.supply.marked import CPF, NAME, SECRET, Marks, lines, mixed_run
from tests.proofs.supply.secrets import KEYS, PEOPLE, found, opened
from zoapets.app import create_app
from zoapets.core import problems
from zoapets.core.observability import AccessLog
from zoapets.embedded import postgres_binary


def log_findings(log: str, marks: Marks) -> list[str]:
    """What stands in the log that must not."""
    words = {part for name in marks.people | marks.keys for part in (name, name.split()[0])}
    return sorted({f"{kind}: {what}" for kind, what in found(log, KEYS, PEOPLE, words=words)})


def dump_findings(dump: str, marks: Marks) -> list[str]:
    """What stands in the database that must not: keys. Hashes of passwords belong there."""
    kinds = {name: pattern for name, pattern in KEYS.items() if name != "a password's hash"}
    return sorted({f"{kind}: {what}" for kind, what in found(opened(dump), kinds, words=marks.keys)})


async def dumped(url: str) -> str:
    """The database as text: every row of every hospital."""
    process = await asyncio.create_subprocess_exec(
        str(postgres_binary("pg_dump")), "--data-only", "--dbname", url, stdout=asyncio.subprocess.PIPE
    )
    written, _ = await process.communicate()
    assert process.returncode == 0
    return written.decode()


async def test_a_run_leaves_no_person_and_no_key_in_the_log_and_no_key_in_the_database(
    served: Served, target: Hospital, proof: Ledger
) -> None:
    all_of_them = await operations(target, "Administrador")
    marks = await mixed_run(served, target, all_of_them)
    # An error that nobody expected, with people's data in what failed.
    await target.sql("alter table {s}.tutores rename column observacoes to notas")
    failing = await mixed_run(served, target, [each for each in all_of_them if each.template.startswith("/tutores")])
    await target.sql("alter table {s}.tutores rename column notas to observacoes")

    marks.keys |= failing.keys
    log, dump = served.log.read_text(), await dumped(target.stage.owner_url)

    assert log_findings(log, marks) == []
    assert dump_findings(dump, marks) == []
    # It was there to be seen: what failed was logged, and what was sent was stored.
    assert {"request", "unexpected error"} <= {line["message"] for line in lines(log)}
    assert NAME in dump
    proof.shown(
        "no person, password or token in any log line; no password or token in the database",
        requests=marks.answers + failing.answers,
        log_lines=len(lines(log)),
        dump_bytes=len(dump),
    )


async def logged(hospital: Hospital, file: Path, capture: Any) -> str:
    """What a request for a marked name, and one that fails with it, leave in the log."""
    app = create_app(replace(hospital.stage.settings, access_log=file))
    admin = await hospital.signed_in()
    capture.readouterr()
    async with app.litestar.lifespan(), _client(app) as http:
        headers = {"authorization": f"Bearer {admin.token}"}
        await http.get(f"/tutores?busca={NAME}", headers=headers)
        await http.post("/tutores", json={"nome": NAME, "documento": CPF, "telefone": SECRET}, headers=headers)
    return file.read_text() + "".join(capture.readouterr())  # noqa: ASYNC240 - a few lines


async def test_it_sees_a_log_line_with_what_was_asked(
    target: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, proof: Ledger
) -> None:
    write = AccessLog.write

    def broken(self: AccessLog, method: str, route: str, status: int, seconds: float, scope: dict[str, Any]) -> None:
        asked = f"{route} {scope['path']}?{scope['query_string'].decode()}"
        write(self, method, asked, status, seconds, scope)

    assert log_findings(await logged(target, tmp_path / "whole.log", capfd), Marks()) == []
    monkeypatch.setattr(AccessLog, "write", broken)

    findings = log_findings(await logged(target, tmp_path / "broken.log", capfd), Marks())

    assert f"a word that was sent: {NAME.split()[0]}" in findings
    proof.seen("an access line with the path and the query that were asked")


async def test_it_sees_a_log_line_with_a_body_in_it(
    target: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any, proof: Ledger
) -> None:
    explained = problems._as_problem

    def broken(error: Exception) -> Any:
        problems.log.error("refused", error=repr(error), values=[str(each) for each in error.args], body=CPF)
        return explained(error)

    monkeypatch.setattr(problems, "_as_problem", broken)

    findings = log_findings(await logged(target, tmp_path / "broken.log", capfd), Marks())

    assert f"a CPF: {CPF}" in findings
    proof.seen("a log line with a person's data out of the body")


async def test_it_sees_a_password_and_a_token_in_the_database(target: Hospital, proof: Ledger) -> None:
    admin = await target.signed_in()
    marks = Marks(keys={SECRET, admin.token})
    await target.sql("update {s}.users set nome = $1 where id = $2", SECRET, admin.id)
    await target.sql(
        "insert into {s}.idempotencia (ator_id, chave, impressao, criada_em, corpo) values ($1, 'x', '', now(), $2)",
        admin.id,
        admin.token.encode(),
    )

    findings = dump_findings(await dumped(target.stage.owner_url), marks)

    await target.sql("delete from {s}.idempotencia where chave = 'x'")
    await target.sql("update {s}.users set nome = 'x' where id = $1", admin.id)
    assert {f"a word that was sent: {SECRET}", f"a JWT: {admin.token}"} <= set(findings)
    proof.seen("a plain password in a column, and a token within stored bytes")

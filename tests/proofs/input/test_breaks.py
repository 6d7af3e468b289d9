"""The proofs of this folder see what they are for: routes that break on purpose, and rules taken away."""

import pytest

from tests.cast import Hospital
from tests.proofs.input import test_corpus as corpus
from tests.proofs.input.bounds import unbounded
from tests.proofs.input.broken import with_broken_routes
from tests.proofs.input.fuzz import fuzz
from tests.proofs.input.operations import operations
from tests.proofs.input.targets import watched
from tests.proofs.ledger import Ledger
from zoapets.core import http
from zoapets.core.docs import describe


def of_ours(method: str, path: str) -> bool:
    del method
    return path.startswith("/portas")


async def test_generated_requests_see_routes_that_break(
    target: Hospital, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    async with with_broken_routes(target, monkeypatch) as spoilt:
        outcome = await fuzz(watched(spoilt), cases=8, phases=("examples", "coverage", "fuzzing"), only=of_ours)

    for broken, seen in {
        "a handler that raises on a name with more than letters in it": ("/portas/que-quebra", "500"),
        "an error with an exception's text": ("/portas/que-conta", "what only code says: ValueError"),
        "a refusal that has written": ("/portas/que-grava", "409, and something was written"),
        "an answer that is not the documented shape": ("/portas/que-promete", "response_schema_conformance"),
    }.items():
        path, what = seen
        assert any(path in finding and what in finding for finding in outcome.findings), broken
        proof.seen(broken)


async def test_the_corpus_sees_routes_that_break(
    target: Hospital, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    async with with_broken_routes(target, monkeypatch) as spoilt:
        doors = [each for each in await operations(spoilt, corpus.ADMIN) if each.template.startswith("/portas")]
        cases = [case for each in doors if each.body for case in [*corpus.body_cases(each), *corpus.field_cases(each)]]
        _, findings = await corpus.thrown(spoilt, cases, slice_of=len(cases))

    for broken, seen in {
        "a handler that raises on an override of the direction": ("/que-quebra with nome: right to left", "500"),
        "a shape that takes an unknown field": ("/frouxa with an unknown field", "201, not 422"),
        "a field without a bound": ("/frouxa with nome: long", "201, not 422"),
        "what comes back is not what was sent": ("/que-muda with nome: no-break spaces", "sent "),
    }.items():
        which, what = seen
        assert any(which in finding and what in finding for finding in findings), broken
        proof.seen(broken)


async def test_generated_requests_see_a_query_that_is_read_too_kindly(
    target: Hospital, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    monkeypatch.setattr(http, "misread", lambda *_: None)

    outcome = await fuzz(watched(target), cases=1, phases=("coverage",), only=lambda _, path: path == "/administracoes")

    assert any("negative_data_rejection" in finding for finding in outcome.findings)
    proof.seen("a filter that takes a number for an instant")


async def test_the_document_shows_what_has_no_bound(
    target: Hospital, monkeypatch: pytest.MonkeyPatch, proof: Ledger
) -> None:
    whole = unbounded(describe(target.stage.app.litestar, "Zoa Pets", "1"))
    async with with_broken_routes(target, monkeypatch) as spoilt:
        broken = unbounded(describe(spoilt.stage.app.litestar, "Zoa Pets", "1"))

    assert whole == []
    assert broken == [
        "POST /portas/frouxa body: takes unknown fields",
        "POST /portas/frouxa body.nome: no maxLength",
    ]
    proof.shown("every field and every parameter has its bounds")
    proof.seen("a shape without bounds, in the document")

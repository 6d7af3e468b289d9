"""What a long history costs: the same questions to a hospital with 20,000 doses and to one with 1,000,000."""

import http.client
import json
import statistics
import urllib.parse
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks import history, plans
from benchmarks.figures import Figure, Spread, interleaved
from benchmarks.ground import Ground, said
from benchmarks.limit import PANELS
from benchmarks.load import HOST, BadAnswerError, Load, cycled, request
from zoapets.core.owner.hospitals import HospitalRow

MOST = 1.3
CONNECTIONS = 2
SECONDS = 0.4
SHORT, LONG = "curta", "longa"
DOSES, AUDIT, ORDERS = "/administracoes", "/auditoria", "/prescricoes"


async def run(ground: Ground) -> list[Figure]:
    small = await history.hospital(ground, SHORT, history.FEW)
    large = await history.hospital(ground, LONG, _many(ground))
    tokens = {hospital.slug: await ground.token(hospital, "admin") for hospital in (small, large)}
    paths = {hospital.slug: await _paths(ground, hospital) for hospital in (small, large)}
    figures, slower = [], {}
    async with ground.serving() as server, Load(server.port, connections=CONNECTIONS) as load:
        for name in paths[small.slug]:
            asked = {}
            for slug, token in tokens.items():
                found = _last_pages(server.port, token, paths[slug][name])
                asked[slug] = [request("GET", path, token) for path in found]
            figure = await _compared(ground, load, name, asked)
            figures.append(figure)
            if not figure.met:
                slower[name] = asked
    if slower:
        said(f"asking PostgreSQL for the plans of {', '.join(slower)}")
        explained = await plans.of(ground, slower)
        for figure in figures:
            figure.detail["plans"] = explained.get(figure.name.removeprefix("rows "), {})
    return figures


async def _compared(ground: Ground, load: Load, name: str, asked: dict[str, list[bytes]]) -> Figure:
    async def latency(slug: str) -> float:
        done = await load.run(cycled(asked[slug]), seconds=ground.seconds(SECONDS))
        return statistics.median(done.checked().latencies)

    await latency(LONG)
    await latency(SHORT)
    pairs = await interleaved(ground.rounds, lambda: latency(LONG), lambda: latency(SHORT))
    return Figure(
        name=f"rows {name}",
        compares=f"with {_many(ground):,} doses and audit rows / with {history.FEW:,}, latency",
        value=Spread.of_ratios(pairs),
        target=MOST,
        detail={"ms": [[round(1000 * second, 2) for second in pair] for pair in pairs]},
    )


def _many(ground: Ground) -> int:
    return ground.size(history.MANY, quick=history.QUICK_MANY)


async def _paths(ground: Ground, hospital: HospitalRow) -> dict[str, list[str]]:
    """What is asked of each hospital, by name: the patients, stays and records are those that both have."""
    async with ground.owner(hospital.schema_name) as connection:

        async def ids(sql: str) -> list[Any]:
            return [row["id"] for row in await connection.fetch(sql)]

        pets = await ids(f"select id from pets order by nome limit {history.PATIENTS}")
        stays = await ids("select id from internacoes where status = 'alta' order by data_entrada desc limit 100")
        orders = await ids("select id from prescricoes where status = 'encerrada' order by created_at desc limit 100")
        given = await ids(
            "select id from administracoes where status = 'realizada' order by registrada_em desc limit 99"
        )
        vet = await ids("select id from users limit 1")
    noon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since, until = (urllib.parse.quote((noon - timedelta(days=days)).isoformat()) for days in (2, 1))
    return {
        "painel": PANELS,
        "historico": [f"/pets/{key}/historico" for key in pets],
        "busca": [f"/pets?busca={name}" for name in ("rex", "LUNA", "bidu%200", "n%C3%ADna")],
        "doses": [DOSES],
        "doses pendentes": [f"{DOSES}?status=pendente", f"{DOSES}?status=atrasada"],
        "doses realizadas": [f"{DOSES}?status=realizada"],
        "doses suspensas": [f"{DOSES}?status=suspensa"],
        "doses de um dia": [f"{DOSES}?desde={since}&ate={until}"],
        "doses do pet": [f"{DOSES}?petId={key}" for key in pets],
        "doses da internacao": [f"{DOSES}?internacaoId={key}" for key in stays],
        "doses da prescricao": [f"{DOSES}?prescricaoId={key}" for key in orders],
        "doses, ultima pagina": [f"{DOSES}?page=last"],
        "auditoria": [AUDIT],
        "auditoria por tabela": [f"{AUDIT}?tabela=administracoes", f"{AUDIT}?tabela=users"],
        "auditoria por ator": [f"{AUDIT}?atorId={key}" for key in vet],
        "auditoria do registro": [f"{AUDIT}?registroId={key}" for key in given],
        "auditoria por acao": [f"{AUDIT}?acao=remover", f"{AUDIT}?acao=inserir"],
        "auditoria de um dia": [f"{AUDIT}?desde={since}&ate={until}"],
        "auditoria, ultima pagina": [f"{AUDIT}?page=last"],
        "prescricoes": [ORDERS],
        "prescricoes ativas": [f"{ORDERS}?status=ativa"],
        "prescricoes suspensas": [f"{ORDERS}?status=suspensa"],
        "prescricoes do pet": [f"{ORDERS}?petId={key}" for key in pets],
        "prescricoes, ultima pagina": [f"{ORDERS}?page=last"],
    }


def _last_pages(port: int, token: str, paths: list[str]) -> list[str]:
    """`page=last` as the number that the list itself names, or, where that is refused, the last before it."""
    found = []
    for path in paths:
        if path.endswith("page=last"):
            last = _get(port, token, path.replace("last", "1"))["meta"]["lastPage"]
            while "meta" not in _get(port, token, path.replace("last", str(last))):
                last -= 1
            found.append(path.replace("last", str(last)))
        else:
            found.append(path)
    return found


def _get(port: int, token: str, path: str) -> Any:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        found = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status >= 500:  # noqa: PLR2004 - the first of the server's own failures
        raise BadAnswerError(f"{path}: {answer.status}")
    return found

"""A storm: all verbs of the loop at random, by many at once, on few beds, pets and orders.

Nothing breaks, nobody waits for each other in a circle, and what is left is true.
"""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.cast import Hospital, Person
from tests.proofs import ledger
from tests.proofs.ledger import Ledger
from tests.proofs.rivals.arena import Arena
from tests.proofs.rivals.contest import NO_BETTER_WORD, SERVER_FAULT, Rival, at_once
from tests.proofs.rivals.state import untruths

ACTORS = ledger.pick(16, 48)
STEPS = ledger.pick(10, 60)
REASON = {"motivo": "Assim foi pedido."}
# With some of what has just ended, which must stay ended.
OPEN_STAYS = """
(select id, pet_id from {s}.internacoes where status in ('aguardando', 'em_andamento'))
union all (select id, pet_id from {s}.internacoes where status = 'alta' order by data_alta desc limit 1)"""
OPEN_ORDERS = """
select p.id, array_agg(t.id) as itens from {s}.prescricoes p join {s}.prescricao_itens t on t.prescricao_id = p.id
join {s}.internacoes i on i.id = p.internacao_id where p.status <> 'encerrada' and i.status = 'em_andamento'
group by 1, p.created_at order by p.created_at desc limit 3"""
DUE_DOSES = """
select a.id from {s}.administracoes a join {s}.internacoes i on i.id = a.internacao_id
where i.status = 'em_andamento' and a.status <> 'anulada' and a.data_hora_agendada < now()
order by a.updated_at desc limit 12"""


@dataclass
class World:
    """What there is to fight about. Few of each, so that everybody meets."""

    hospital: Hospital
    vet: Person
    drug: dict[str, Any]
    ward: str
    other_ward: str
    tutors: list[str]
    pets: list[str]
    beds: list[str]
    # Of stays also the pet, of orders also the items.
    stays: list[tuple[str, str]] = field(default_factory=list)
    orders: list[tuple[str, list[str]]] = field(default_factory=list)
    doses: list[str] = field(default_factory=list)

    @classmethod
    async def of(cls, hospital: Hospital) -> "World":
        wards = [(await hospital.ala())["id"] for _ in range(2)]
        tutors = [(await hospital.tutor())["id"] for _ in range(2)]
        pets = [(await hospital.pet(tutorId=tutors[n % 2]))["id"] for n in range(6)]
        beds = [(await hospital.leito(alaId=wards[0]))["id"] for _ in range(4)]
        world = cls(
            hospital, await hospital.signed_in(), await hospital.medicamento(), wards[0], wards[1], tutors, pets, beds
        )
        for pet, bed in zip(pets, beds[:3], strict=False):
            world.stays.append(((await hospital.internacao(petId=pet, leitoId=bed))["id"], pet))
        return world

    def next(self, chance: random.Random) -> Rival:
        """What somebody tries next; the verbs of beds and doses more often than others."""
        tries = [
            *(self._to_bed, self._to_dose) * 5,
            *(self._to_order,) * 3,
            *(self._to_stay, self._to_record) * 2,
            self._to_prescribe,
            self._to_put_away,
        ]
        wants, method, path, body = chance.choice(tries)(chance)
        return Rival(wants, self.vet, method, path, body)

    async def look(self) -> None:
        """What there is to fight about now: stays, also one that has ended, their open orders, doses that are due."""
        stays = await self.hospital.sql(OPEN_STAYS)
        self.stays = [(str(row["id"]), str(row["pet_id"])) for row in stays] or self.stays
        orders = await self.hospital.sql(OPEN_ORDERS)
        self.orders = [(str(row["id"]), [str(item) for item in row["itens"]]) for row in orders]
        doses = await self.hospital.sql(DUE_DOSES)
        self.doses = [str(row["id"]) for row in doses]

    def _to_bed(self, chance: random.Random) -> tuple[str, str, str, Any]:
        stay, bed = f"/internacoes/{chance.choice(self.stays)[0]}", {"leitoId": chance.choice(self.beds)}
        pet = {"petId": chance.choice(self.pets), "motivo": "Dor"}
        return chance.choice(
            [
                ("internar", "POST", "/internacoes", pet | bed),
                ("internar", "POST", "/internacoes", pet),
                *[("admitir", "POST", f"{stay}/admitir", bed)] * 3,
                *[("transferir", "POST", f"{stay}/transferir", bed | REASON)] * 6,
                ("alta", "POST", f"{stay}/alta", None),
            ]
        )

    def _to_stay(self, chance: random.Random) -> tuple[str, str, str, Any]:
        stay, bed = f"/internacoes/{chance.choice(self.stays)[0]}", f"/leitos/{chance.choice(self.beds)}"
        return chance.choice(
            [
                ("isolar", "POST", f"{stay}/isolar", REASON),
                ("encerrar-isolamento", "POST", f"{stay}/encerrar-isolamento", None),
                ("priorizar", "POST", f"{stay}/priorizar", {"prioridade": chance.choice(["alta", "baixa"])}),
                ("corrigir internação", "PATCH", stay, {"motivo": "Outro", "veterinarioId": str(self.vet.id)}),
                ("corrigir leito", "PATCH", bed, {"situacao": chance.choice(["livre", "livre", "higienizacao"])}),
                ("mudar leito de ala", "PATCH", bed, {"alaId": chance.choice([self.ward, self.other_ward])}),
            ]
        )

    def _to_prescribe(self, chance: random.Random) -> tuple[str, str, str, Any]:
        stay, pet = chance.choice(self.stays)
        start = (self.hospital.stage.now - timedelta(hours=5)).isoformat()
        one = {"medicamentoId": self.drug["id"], "dose": 25, "unidade": "mg", "via": "IV", "inicio": start}
        items = [one | {"frequenciaHoras": hours, "duracaoDias": 1} for hours in (1, 2)]
        body = {"petId": pet, "internacaoId": stay, "tipo": "hospitalar", "itens": items}
        return "prescrever", "POST", "/prescricoes", body

    def _to_order(self, chance: random.Random) -> tuple[str, str, str, Any]:
        if not self.orders:
            return self._to_prescribe(chance)
        order, items = chance.choice(self.orders)
        verb = chance.choice(["suspender", "retomar"] * 4 + ["encerrar"])
        path = f"/prescricoes/{order}"
        if chance.random() < 1 / 2:
            path += f"/itens/{chance.choice(items)}"
        return verb, "POST", f"{path}/{verb}", REASON

    def _to_dose(self, chance: random.Random) -> tuple[str, str, str, Any]:
        if not self.doses:
            return self._to_prescribe(chance)
        verb, body = chance.choice(
            [("realizar", None), ("nao-realizar", {"justificativa": "Recusou."}), ("anular", REASON)]
        )
        return verb, "PATCH", f"/administracoes/{chance.choice(self.doses)}/{verb}", body

    def _to_record(self, chance: random.Random) -> tuple[str, str, str, Any]:
        pet = f"/pets/{chance.choice(self.pets)}"
        return chance.choice(
            [
                ("pesar", "POST", f"{pet}/pesos", {"pesoKg": chance.randint(1, 40)}),
                ("corrigir pet", "PATCH", pet, {"tutorId": chance.choice(self.tutors)}),
                ("cadastrar pet", "POST", "/pets", {"nome": "Rex", "especie": "canina", "tutorId": self.tutors[0]}),
                ("configurar", "PATCH", "/configuracoes", {"validadeDoPesoDias": chance.randint(1, 90)}),
                ("corrigir pessoa", "PATCH", f"/users/{self.vet.id}", {"telefone": "+5511987654321"}),
            ]
        )

    def _to_put_away(self, chance: random.Random) -> tuple[str, str, str, Any]:
        path = chance.choice(
            [f"/pets/{chance.choice(self.pets[4:])}", f"/tutores/{self.tutors[1]}", f"/alas/{self.other_ward}"]
        )
        return "arquivar", "DELETE", path, REASON


async def blow(world: World, seed: int) -> tuple[list[str], Counter[str]]:
    """Findings of one storm, and what was answered."""
    said: Counter[str] = Counter()
    found: list[str] = []

    async def act(chance: random.Random) -> None:
        for _ in range(STEPS):
            [told] = await at_once([world.next(chance)])
            said[told.word] += 1
            if told.word == NO_BETTER_WORD or told.answer.status_code >= SERVER_FAULT:
                found.append(f"seed {seed}: {told.rival.wants} was told {told.word}: {told.answer.json()['detail']}")

    async def watch() -> None:
        while True:
            await world.look()
            await asyncio.sleep(0.02)

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(act(random.Random(seed * 1000 + n)) for n in range(ACTORS)))  # noqa: S311 - a seed
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    return found + await untruths(world.hospital), said


async def test_a_storm_leaves_only_what_is_true(arena: Arena, proof: Ledger) -> None:
    seen: Counter[str] = Counter()
    for seed in range(ledger.pick(1, 2)):
        found, said = await blow(await World.of(arena.hospital), seed)
        assert found == []
        seen += said
    done = sum(count for word, count in seen.items() if word in {"200", "201", "204"})
    # A storm in which nothing happens shows nothing.
    assert done > sum(seen.values()) // 10, seen
    proof.shown(f"a storm of all verbs, {arena.name}: no deadlock, no untruth", requests=sum(seen.values()), done=done)

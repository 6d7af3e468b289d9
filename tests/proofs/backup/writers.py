"""People who go on working while their hospital is copied."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from random import Random
from typing import Any

from tests.cast import Hospital, Person
from tests.demo.made_up import login

MANY = 8


class Writers:
    """`MANY` who write one thing after the other, each through the API; `written` counts what was acknowledged."""

    def __init__(self, hospital: Hospital) -> None:
        self._hospital = hospital
        self._more = asyncio.Condition()
        self.written = 0

    async def some_more(self, least: int) -> None:
        """Until so many more writes have been acknowledged."""
        enough = self.written + least
        async with self._more:
            await asyncio.wait_for(self._more.wait_for(lambda: self.written >= enough), 30)

    async def _write(self, person: Person, seed: int) -> None:
        rng = Random(seed)  # noqa: S311 - the same each time
        doses = await self._doses(seed)
        for n in count():
            kind = rng.choice(("dose", "pet", "weight")) if doses else rng.choice(("pet", "weight"))
            if kind == "dose":
                answer = await person.patch(
                    f"/administracoes/{doses.pop()}/realizar", {}, idempotency_key=f"d{seed}-{n}"
                )
            else:
                tutor = await self._made(person, "/tutores", {"nome": f"T{seed} {n}", "telefone": "+5511987654321"})
                pet = {"nome": f"P{seed} {n}", "especie": "canina", "tutorId": tutor["id"]}
                answer = await person.post("/pets", pet)
                if kind == "weight":
                    answer = await person.post(f"/pets/{answer.json()['id']}/pesos", {"pesoKg": rng.randint(2, 40)})
            # A dose may be of a stay that has ended: then it is refused, and does not count.
            assert answer.status_code in {200, 201, 409, 422}, answer.text
            async with self._more:
                self.written += answer.status_code < 300
                self._more.notify_all()

    async def _made(self, person: Person, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await person.post(path, body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def _doses(self, seed: int) -> list[Any]:
        """Each writer has doses of their own."""
        rows = await self._hospital.sql(
            "select id from {s}.administracoes where status = 'pendente'"
            " and data_hora_agendada <= now() + interval '1 hour' order by data_hora_agendada desc limit 80"
        )
        return [row["id"] for row in rows[seed % MANY :: MANY]]


@asynccontextmanager
async def writing(hospital: Hospital) -> AsyncIterator[Writers]:
    """`MANY` are at work in the block; what goes wrong with one of them is raised at its end."""
    writers = Writers(hospital)
    person = await login(hospital, "vet")
    admin = await hospital.signed_in()
    people = [person if n % 2 else admin for n in range(MANY)]
    tasks = [asyncio.create_task(writers._write(person, seed)) for seed, person in enumerate(people)]
    try:
        yield writers
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome

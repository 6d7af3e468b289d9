"""What was ordered for the patients of a made-up hospital, so that right now some doses are late, due, or coming."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from itertools import chain, repeat
from uuid import UUID

from zoapets.common.ids import new_id
from zoapets.demo.doses import Doses, Halt
from zoapets.demo.draft import Draft, Row, dated
from zoapets.demo.people import Staff
from zoapets.demo.protocols import AT_HOME, SUPPORT, Order, orders, protocol
from zoapets.demo.wards import DAY, HOUR, Stay
from zoapets.modules.prescricoes.rules import times

MINUTE = timedelta(minutes=1)
QUARTER = 15 * MINUTE
FIRST_DOSE, SIGNED = 30 * MINUTE, 25 * MINUTE
# Items that begin within these hours are of one prescription, if each has two at least.
TOGETHER, FEWEST_ITEMS = 8 * HOUR, 2
HALTED = (
    ("suspensa", "Suspensa até o resultado do hemograma de controle."),
    ("encerrada", "Encerrada: paciente estável sem o medicamento."),
)
HALTED_SINCE = 5 * HOUR
WENT_HOME_WITH = 12


class Now(Enum):
    """What an item shows of itself at this moment."""

    LATE = auto()
    DUE = auto()
    SOON = auto()
    QUIET = auto()


# How far from now one of its doses falls, on a quarter of an hour. Clear of the edges of the panel's lists, which
# move on while somebody looks.
WINDOWS = {
    Now.LATE: (-150 * MINUTE, -35 * MINUTE),
    Now.DUE: (-26 * MINUTE, -MINUTE),
    Now.SOON: (4 * MINUTE, 116 * MINUTE),
}


@dataclass
class Course:
    """One item of a stay: what is given, and the first dose."""

    stay: Stay
    order: Order
    inicio: datetime
    now: Now = Now.QUIET
    halt: Halt | None = None

    @property
    def every(self) -> timedelta:
        return self.order.dose.hours * HOUR


def treat(draft: Draft, staff: Staff, stays: list[Stay], drug_ids: dict[str, UUID]) -> None:
    """Prescriptions of every stay in a bed, past and present, and of some patients who went home."""
    doses = Doses(draft, staff)
    treated = [(stay, _courses(draft, stay)) for stay in stays]
    present = [course for stay, courses in treated if stay.is_open for course in courses]
    _place_around_now(draft, present)
    _halt_some(draft, present)
    for stay, courses in treated:
        for together in _prescriptions(courses):
            _prescribe(draft, doses, stay, together, drug_ids)
    doses.void_some()
    _send_home(draft, [stay for stay in stays if stay.row["status"] == "alta"], drug_ids)


def _courses(draft: Draft, stay: Stay) -> list[Course]:
    """What the protocol says, the first doses within the first hours."""
    usual = draft.rng.choice((3, 4, 4, 5))
    ordered = _orders(draft, stay, protocol(stay.motivo.texto), stay.start, most=usual)
    if len(ordered) < FEWEST_ITEMS:
        ordered = _orders(draft, stay, (*protocol(stay.motivo.texto), *SUPPORT), stay.start, most=FEWEST_ITEMS)
    first = _quarters(stay.start + FIRST_DOSE, stay.start + FIRST_DOSE + HOUR)
    return [Course(stay, order, draft.rng.choice(first)) for order in ordered]


def _orders(
    draft: Draft, stay: Stay, names: Sequence[str], at: datetime, *, most: int, via: str | None = None
) -> list[Order]:
    return orders(
        draft.rng,
        names,
        especie=stay.pet.especie,
        peso_kg=_weight(stay, at),
        alergias=stay.pet.must_not_have,
        most=most,
        via=via,
    )


def _weight(stay: Stay, at: datetime) -> Decimal:
    """The last one before `at`: there is one, of the day it came."""
    weight = stay.pet.weight(at)
    if weight is None:
        raise RuntimeError("a patient was not weighed")
    return weight


def _quarters(first: datetime, last: datetime) -> list[datetime]:
    """Every quarter of an hour between them."""
    start = first.replace(minute=first.minute // 15 * 15, second=0, microsecond=0)
    found = (start + n * QUARTER for n in range(int((last - start) / QUARTER) + 1))
    return [quarter for quarter in found if quarter >= first]


def _place_around_now(draft: Draft, courses: list[Course]) -> None:
    """Move each first dose, so that the panel shows a hospital at work."""
    rng, now = draft.rng, draft.now
    wanted = chain(
        repeat(Now.LATE, rng.randint(7, 9)),
        repeat(Now.DUE, rng.randint(7, 10)),
        repeat(Now.SOON, rng.randint(20, 26)),
        repeat(Now.QUIET),
    )
    for course, what in zip(rng.sample(courses, len(courses)), wanted, strict=False):
        course.now = what
        first, last = WINDOWS.get(what, (125 * MINUTE, course.every - 5 * MINUTE))
        at = rng.choice(_quarters(now + first, now + last))
        doses_before = (at - course.stay.start - FIRST_DOSE) // course.every
        course.inicio = at - doses_before * course.every


def _halt_some(draft: Draft, courses: list[Course]) -> None:
    """A few items were held or ended some hours ago."""
    since = draft.now - HALTED_SINCE
    quiet = [course for course in courses if course.now is Now.QUIET and course.inicio < since]
    for course, (status, motivo) in zip(draft.rng.sample(quiet, len(HALTED)), HALTED, strict=True):
        course.halt = Halt(status, motivo, since)


def _prescriptions(courses: list[Course]) -> Iterator[list[Course]]:
    """What was ordered together: on arrival, and later."""
    courses = sorted(courses, key=lambda course: course.inicio)
    on_arrival = [course for course in courses if course.inicio <= courses[0].inicio + TOGETHER]
    later = courses[len(on_arrival) :]
    if min(len(on_arrival), len(later)) >= FEWEST_ITEMS:
        yield from (on_arrival, later)
    elif courses:
        yield courses


def _prescribe(draft: Draft, doses: Doses, stay: Stay, courses: list[Course], drug_ids: dict[str, UUID]) -> None:
    """The prescription, its items and all their doses; over, when the stay is."""
    ended = None if stay.is_open else Halt("encerrada", stay.row["status"], stay.end)
    signed = min(courses[0].inicio - SIGNED, draft.now - SIGNED)
    prescricao = _add_prescricao(draft, stay, signed, ended, internacao_id=stay.row["id"])
    for course in courses:
        halt = ended or course.halt
        more = draft.rng.randint(2, 4) if stay.is_open else draft.rng.randint(1, 2)
        days = (min(stay.end, draft.now) - course.inicio) // DAY + more
        item = _add_item(draft, prescricao, stay, course, drug_ids, days=max(1, days), halt=halt)
        instants = times(course.inicio, course.order.dose.hours, item["duracao_dias"], draft.fuso)
        left_at = None
        if course.now in {Now.LATE, Now.DUE}:
            left_at = max(at for at in instants if at <= draft.now)
        doses.schedule(prescricao, item, stay, course.order, instants, left_at=left_at, halt=halt)


def _add_prescricao(
    draft: Draft, stay: Stay, signed: datetime, ended: Halt | None, *, internacao_id: UUID | None
) -> Row:
    return draft.add(
        "prescricoes",
        id=new_id(),
        pet_id=stay.pet.id,
        internacao_id=internacao_id,
        veterinario_id=stay.vet,
        tipo="hospitalar" if internacao_id else "ambulatorial",
        status=ended.status if ended else "ativa",
        motivo_status=ended.motivo if ended else None,
        observacoes=None,
        **(dated(signed, ended.at, 2) if ended else dated(signed)),
    )


def _add_item(
    draft: Draft,
    prescricao: Row,
    stay: Stay,
    course: Course,
    drug_ids: dict[str, UUID],
    *,
    days: int,
    halt: Halt | None,
) -> Row:
    """An item, on the weight that the animal had when it was ordered."""
    order, signed = course.order, prescricao["created_at"]
    kg = _weight(stay, signed)
    calculo = order.calculo(kg)
    return draft.add(
        "prescricao_itens",
        id=new_id(),
        prescricao_id=prescricao["id"],
        medicamento_id=drug_ids[order.drug.nome],
        dose=order.dose.amount,
        unidade=order.dose.unidade,
        via=order.dose.via,
        frequencia_horas=order.dose.hours,
        duracao_dias=days,
        inicio=course.inicio,
        peso_kg=kg,
        dose_calculada=calculo.dose,
        dose_calculada_unidade=calculo.unidade,
        volume_ml=calculo.volume_ml,
        orientacoes=order.orientacoes,
        status=halt.status if halt else "ativa",
        motivo_status=halt.motivo if halt else None,
        **(dated(signed, halt.at, 2) if halt else dated(signed)),
    )


def _send_home(draft: Draft, stays: list[Stay], drug_ids: dict[str, UUID]) -> None:
    """Some of those who went home have something to take there: ambulatorial, without doses on any schedule."""
    rng = draft.rng
    able = [stay for stay in stays if stay.pet.especie in {"canina", "felina"}]
    for stay in rng.sample(able, WENT_HOME_WITH):
        signed = stay.end - SIGNED
        ordered = _orders(draft, stay, rng.sample(AT_HOME, len(AT_HOME)), signed, most=FEWEST_ITEMS, via="VO")
        days = rng.choice((5, 7, 10))
        inicio = _quarters(stay.end + 4 * HOUR, stay.end + 6 * HOUR)[0]
        finished = inicio + days * DAY
        ended = Halt("encerrada", "Tratamento concluído.", finished) if finished < draft.now else None
        prescricao = _add_prescricao(draft, stay, signed, ended, internacao_id=None)
        for order in ordered:
            _add_item(draft, prescricao, stay, Course(stay, order, inicio), drug_ids, days=days, halt=ended)

"""What a figure says: a median of ratios, and whether it is as the target asks."""

import pytest
from benchmarks.figures import Figure, Spread, interleaved, not_measured


def test_a_ratio_is_taken_round_by_round_and_not_of_the_medians() -> None:
    spread = Spread.of_ratios([(10, 5), (40, 10), (9, 3)])

    assert (spread.median, spread.least, spread.most) == (3, 2, 4)


@pytest.mark.parametrize(
    ("median", "at_least", "met"), [(0.6, True, True), (0.59, True, False), (1.3, False, True), (1.31, False, False)]
)
def test_a_target_is_a_floor_or_a_ceiling_and_holds_on_its_edge(median: float, at_least: bool, met: bool) -> None:  # noqa: FBT001 - a case
    target = 0.6 if at_least else 1.3
    figure = Figure(name="x", compares="a / b", value=Spread.of([median]), target=target, at_least=at_least)

    assert figure.met is met


def test_what_was_not_measured_and_what_has_no_target_is_neither_met_nor_missed() -> None:
    shown = Figure(name="x", compares="a / b", value=Spread.of([1]))

    assert (not_measured("x", "a / b", "why").met, shown.met) == (None, None)


async def test_no_side_always_comes_after_the_other() -> None:
    order: list[str] = []

    async def one(name: str) -> float:
        order.append(name)
        return float(len(order))

    pairs = await interleaved(3, lambda: one("a"), lambda: one("b"))

    assert order == ["a", "b", "b", "a", "a", "b"]
    assert pairs == [(1, 2), (4, 3), (5, 6)]

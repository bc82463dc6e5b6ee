"""What is made of people: who counts, what is shown, when to stop."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.experiments import pages
from shared.experiments.analysis import Analysis, analyse
from shared.experiments.models import Experiment
from shared.experiments.people import Person, stacked
from shared.experiments.warehouse import Streams
from tests.unit.experiments.conftest import NOW, experiment, people

THREE = [
    {"name": "control", "weight": 4000},
    {"name": "warm", "weight": 3000},
    {"name": "bold", "weight": 3000},
]


def shown(of: Experiment, everybody: list[Person]) -> Analysis:
    return analyse(of, stacked(of, everybody), {}, NOW)


def test_people_count_once_their_window_is_over() -> None:
    of = experiment()
    everybody = people(of, 3_000, 1)
    made = shown(of, everybody)
    assert sum(made.exposed.values()) == 3_000
    # Of 30 days the last 7 are not over, and events of the last hour are on their way.
    assert sum(made.counted.values()) == 3_000 * (30 * 24 - 7 * 24 - 1) // (30 * 24) + 1
    over = shown(of.model_copy(update={"ended_at": NOW - timedelta(days=5)}), everybody)
    assert sum(over.counted.values()) == 3_000 * 18 // 30 + 1
    # Of one that has just ended the last events are on their way too.
    ended = shown(of.model_copy(update={"ended_at": NOW}), everybody)
    assert ended.counted == made.counted


def test_machines_and_people_in_two_variants_are_left_out_and_said() -> None:
    of = experiment()
    everybody = people(of, 300, 2)
    everybody[0] = everybody[0]._replace(is_suspected=True)
    everybody[1] = everybody[1]._replace(variant=None)
    everybody[2] = everybody[2]._replace(variant="of-an-older-definition")
    made = shown(of, everybody)
    assert (made.suspected, made.in_two, sum(made.exposed.values())) == (1, 1, 297)


def test_an_improvement_is_shown_and_cuped_is_why_so_soon() -> None:
    of = experiment()
    made = shown(of, people(of, 4_000, 3, listening=1.12))
    (primary,) = made.primary
    assert (primary.variant, primary.verdict) == ("warm", "better")
    assert primary.low > 0
    assert primary.p_value < 0.05
    assert primary.effect == pytest.approx(0.12 * primary.control_value, rel=0.35)
    assert primary.variance_left == pytest.approx(1 - primary.correlation**2, abs=0.05)
    assert primary.variance_left < 0.5
    assert made.harm is None
    assert not made.ratio.is_off


def test_an_a_a_test_shows_nothing_and_is_not_stopped() -> None:
    for seed in range(20):
        of = experiment(variants=THREE)
        made = shown(of, people(of, 2_000, seed))
        assert made.harm is None
        assert {one.verdict for one in made.primary} == {"open"}


@pytest.mark.parametrize(
    ("harm", "metric"),
    [((1.4, 1.0), "skip_rate"), ((1.0, 8.0), "complaint_rate")],
)
def test_harm_beyond_the_limit_stops_it_and_says_what(
    harm: tuple[float, float], metric: str
) -> None:
    of = experiment()
    everybody = people(of, 4_000, 5, skipping=harm[0], complaining=harm[1])
    made = shown(of, everybody)
    assert made.harm is not None
    assert made.harm.startswith(f"guardrail {metric}: warm has")
    tolerant = experiment(guardrails=[{"metric": metric, "limit": 10.0}])
    assert shown(tolerant, everybody).harm is None
    assert shown(experiment(guardrails=[]), everybody).harm is None


def test_harm_that_was_shown_stays_shown() -> None:
    """The bound holds at all looks together: what later people do takes nothing back."""
    of = experiment()
    early = people(of, 4_000, 6, skipping=1.5)[:1_500]
    late = people(of, 4_000, 6, skipping=0.6)[1_500:]
    assert shown(of, early).harm is not None
    assert shown(of, [*early, *late]).harm is not None


def test_more_variants_make_each_comparison_stricter() -> None:
    two, three = experiment(), experiment(variants=THREE)
    one = shown(two, people(two, 3_000, 7)).primary[0]
    other = shown(three, people(two, 3_000, 7)).primary[0]
    assert other.effect == pytest.approx(one.effect)
    assert other.high - other.low > one.high - one.low


def test_an_empty_experiment_says_not_yet() -> None:
    for everybody in ([], people(experiment(), 30, 8)):
        made = shown(experiment(), everybody)
        assert made.harm is None
        assert all(one.verdict == "open" and one.p_value == 1 for one in made.comparisons)
        page = pages.experiment_page(made)
        assert "Not yet: it takes 100 people" in page


def test_lost_people_raise_the_alarm() -> None:
    of = experiment()
    made = shown(of, people(of, 6_000, 9, shares=(0.55, 0.45)))
    assert made.ratio.is_off
    assert "Sample-ratio mismatch" in pages.experiment_page(made)


def test_a_page_stands_alone_and_is_the_same_each_time() -> None:
    of = experiment(about="<script>alert(1)</script> & more")
    made = shown(of, people(of, 3_000, 10, listening=1.2))
    page = pages.experiment_page(made)
    assert page == pages.experiment_page(made)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page
    assert page.count('<svg role="img" aria-label=') == 3
    # Nothing is fetched from elsewhere; the names of SVG's namespaces are no addresses.
    for attribute in ("src=", "@import", "url(http", 'href="http'):
        assert attribute not in page
    assert "currentColor" in page


def test_a_stopped_experiment_says_why() -> None:
    of = experiment()
    made = shown(of, people(of, 4_000, 11, skipping=1.5))
    stopped = experiment(
        status="stopped",
        ended_at=NOW,
        stop_reason=made.harm,
        changes=[{"at": NOW, "what": "stopped", "note": "by experiment_report"}],
    )
    page = pages.experiment_page(made.of(stopped))
    assert "Stopped." in page
    assert "guardrail skip_rate: warm has" in page
    assert "by experiment_report" in page


def test_the_index_lists_what_runs_first() -> None:
    flag = experiment(name="a-flag", primary_metric=None, status="draft", started_at=None)
    over = experiment(name="b-over", status="stopped", stop_reason="it harmed")
    page = pages.index_page([over, flag, experiment()], NOW, [])
    assert page.index("warm-home") < page.index("a-flag") < page.index("b-over")
    assert 'href="warm-home/index.html"' in page
    assert "a-flag/index.html" not in page
    assert "it harmed" in page
    assert "Not yet: nothing is defined" in pages.index_page([], NOW, [])


def test_the_index_says_how_much_of_what_is_played_was_recommended() -> None:
    days = [Streams(NOW.date() - timedelta(days=1), 2_000, 640), Streams(NOW.date(), 100, 29)]
    page = pages.index_page([], NOW, days)
    newest, older = page.index("2026-11-22"), page.index("2026-11-21")
    assert newest < older
    assert '<td class="number worse">29.0%</td>' in page[newest:older]
    assert '<td class="number better">32.0%</td>' in page[older:]
    assert "nothing was played" in pages.index_page([], NOW, [])
    assert "the warehouse did not answer" in pages.index_page([], NOW, None)

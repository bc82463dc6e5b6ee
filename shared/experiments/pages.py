"""Pages for people: how an experiment goes, and which there are. Self-contained HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from shared.experiments import plots
from shared.experiments.analysis import Analysis, Comparison
from shared.experiments.metrics import METRICS, WANTED_SHARE
from shared.experiments.models import Experiment
from shared.experiments.sequential import LEAST_PEOPLE

if TYPE_CHECKING:
    from jinja2 import Environment

    from shared.experiments.warehouse import Streams

_TEMPLATES = Path(__file__).parent / "templates"


def experiment_page(analysis: Analysis) -> str:
    """The page of one experiment; where nothing can be said yet, it says so."""
    experiment, primary = analysis.experiment, analysis.primary
    title = METRICS[primary[0].metric.name].title
    drawn = {"arrivals": "", "path": "", "forest": ""}
    if any(analysis.exposed.values()):
        counts = ", ".join(f"{name} {count:,}" for name, count in analysis.exposed.items())
        drawn["arrivals"] = plots.arrivals(analysis, f"People exposed over time: {counts}")
    if any(isfinite(one.low) for one in primary):
        told = "; ".join(
            f"{one.variant} {_signed(one.effect)}, {_interval(one)}" for one in primary
        )
        drawn["path"] = plots.path(primary, f"Effect on {title} by people counted: {told}")
        drawn["forest"] = plots.forest(
            analysis.comparisons,
            "Effects on all metrics in percent of control, as in the table",
        )
    return (
        _environment()
        .get_template("experiment.html")
        .render(
            analysis=analysis,
            experiment=experiment,
            primary_title=title,
            metrics=METRICS,
            least_people=LEAST_PEOPLE,
            css=_css(),
            **drawn,
        )
    )


def index_page(
    experiments: Iterable[Experiment], as_of: datetime, streams: Sequence[Streams] | None
) -> str:
    """The list of all, what runs first, and how much of what is played was recommended by day;
    None where that is not known."""
    order = ("running", "draft", "stopped", "concluded")
    return (
        _environment()
        .get_template("index.html")
        .render(
            experiments=sorted(experiments, key=lambda one: (order.index(one.status), one.name)),
            metrics=METRICS,
            as_of=as_of,
            streams=streams,
            wanted_share=WANTED_SHARE,
            css=_css(),
        )
    )


def _figure(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _signed(value: float) -> str:
    return f"{value:+.3g}"


def _interval(one: Comparison) -> str:
    if not isfinite(one.low):
        return "not yet"
    scale = one.metric.scale
    return f"{_signed(one.low * scale)} … {_signed(one.high * scale)}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _moment(value: datetime) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC"


@cache
def _css() -> str:
    return (_TEMPLATES / "page.css").read_text()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    made.filters.update(figure=_figure, signed=_signed, interval=_interval, p=_p, moment=_moment)
    return made

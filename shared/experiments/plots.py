"""Plots as SVG for a page: text as text, in the page's own colour, so that they are read in the
dark and in the light, and by screen readers. Only jobs draw."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from shared.experiments.analysis import Analysis, Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each has a contrast of 3 to white and to black at least; variants differ by their dashes too.
COLOURS = ("#3b82f6", "#d97706", "#059669", "#db2777", "#7c3aed")
DASHES = ("-", "--", "-.", ":")
_INK = "#010203"  # drawn in this, shown in the page's
_WIDTH = 8.0  # inches; the page scales it
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def path(comparisons: Sequence[Comparison], wanted: str) -> str:
    """How the effect on a metric and its interval came to be, by people counted; a variant each.
    `wanted` says what the picture shows, for those who do not see it."""
    figure, axes = _figure(3.2)
    for number, one in enumerate(comparisons):
        colour, scale = COLOURS[number % len(COLOURS)], one.metric.scale
        looks = [i for i, low in enumerate(one.path.low) if isfinite(low)]
        people = [one.path.people[i] for i in looks]
        low, high, effect = (
            [values[i] * scale for i in looks]
            for values in (one.path.low, one.path.high, one.path.effect)
        )
        axes.fill_between(people, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(
            people, effect, color=colour, linestyle=DASHES[number % len(DASHES)], label=one.variant
        )
        # At first the interval is wide beyond all interest.
        bounds = [*low[len(low) // 4 :], *high[len(high) // 4 :], 0.0]
        if number == 0 and looks:
            margin = (max(bounds) - min(bounds)) * 0.15 or 1.0
            axes.set_ylim(min(bounds) - margin, max(bounds) + margin)
    axes.axhline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel("people counted in both arms")
    axes.set_ylabel(f"effect ({comparisons[0].metric.unit})")
    _legend(axes, "best")
    return _svg(figure, wanted)


def forest(comparisons: Sequence[Comparison], wanted: str) -> str:
    """The effect on each metric as a share of control's value, with its interval."""
    shown = [one for one in comparisons if isfinite(one.low) and one.control_value > 0]
    figure, axes = _figure(0.9 + 0.34 * max(len(shown), 1))
    variants = list(dict.fromkeys(one.variant for one in comparisons))
    for row, one in enumerate(shown):
        percent = 100 / one.control_value
        number = variants.index(one.variant)
        axes.errorbar(
            one.effect * percent,
            -row,
            xerr=(one.high - one.low) / 2 * percent,
            color=COLOURS[number % len(COLOURS)],
            marker="os^D"[number % 4],
            capsize=3,
        )
    labels = [
        one.metric.title + (f" · {one.variant}" if len(variants) > 1 else "") for one in shown
    ]
    axes.set_yticks([-row for row in range(len(shown))], labels)
    axes.axvline(0, color=_INK, linewidth=0.8)
    axes.set_xlabel("effect, % of control")
    return _svg(figure, wanted)


def arrivals(analysis: Analysis, wanted: str) -> str:
    """How many people were exposed to each variant by when."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    figure, axes = _figure(2.4)
    for number, (variant, times) in enumerate(analysis.arrivals.items()):
        step = max(len(times) // 300, 1)
        kept = [*range(0, len(times), step), len(times) - 1] if len(times) else []
        axes.step(
            np.array([round(times[i]) for i in kept], dtype="datetime64[s]"),
            [i + 1 for i in kept],
            where="post",
            color=_INK if number == 0 else COLOURS[(number - 1) % len(COLOURS)],
            linestyle=DASHES[number % len(DASHES)],
            label=variant,
        )
    axes.set_ylabel("people exposed")
    axes.set_ylim(bottom=0)
    _legend(axes, "upper left")
    locator = AutoDateLocator(maxticks=8)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    return _svg(figure, wanted)


def _figure(height: float) -> tuple[Figure, Axes]:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        return figure, figure.subplots()


def _legend(axes: Axes, where: Literal["best", "upper left"]) -> None:
    axes.legend(loc=where, frameon=False, labelcolor=_INK)


def _svg(figure: Figure, wanted: str) -> str:
    import matplotlib as mpl

    drawn = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    # Marks have ids that are hashes: of its own salt each, since pictures share a page.
    with mpl.rc_context({**_STYLE, "svg.hashsalt": wanted}):
        figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    text = drawn.getvalue()
    text = text[text.index("<svg") :].replace(_INK, "currentColor")
    # Several stand on one page, where an id is there once; nothing refers to these.
    text = re.sub(r' id="[A-Za-z0-9.]+_\d+"', "", text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    return text.replace("<svg", f'<svg role="img" aria-label="{html.escape(wanted)}"', 1)

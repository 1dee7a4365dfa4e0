"""What the widgets of dashboards show, in the form of the series of alarms."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.families.signals.alarm_series import Series, alarms, asked_for
from rules.families.signals.marked_text import Marked, marked
from rules.families.signals.site_memory import once
from rules.seam.site import Site
from topology.tree import Resource

DASHBOARD = "AWS::CloudWatch::Dashboard"


@dataclass(frozen=True, eq=False)
class Widget:
    dashboard: Resource
    position: int
    body: Mapping[str, Any]  # with marks where a reference is
    marks: Marked
    series: tuple[Series, ...]

    @property
    def properties(self) -> Mapping[str, Any]:
        found = self.body.get("properties")
        return found if isinstance(found, dict) else {}

    @property
    def title(self) -> str:
        return str(self.properties.get("title") or f"widget {self.position + 1}")


@once
def widgets(site: Site) -> tuple[Widget, ...]:
    """Of every dashboard whose body can be read."""
    return tuple(widget for dashboard in site.all(DASHBOARD) for widget in _widgets(site, dashboard))


def body_of(site: Site, dashboard: Resource) -> Marked | None:
    return marked(site.get(dashboard, "DashboardBody"))


def _widgets(site: Site, dashboard: Resource) -> Iterator[Widget]:
    plain = body_of(site, dashboard)
    try:
        body = plain.json() if plain is not None else {}
    except ValueError:
        return
    listed = body.get("widgets") if isinstance(body, dict) else None
    for position, widget in enumerate(listed if isinstance(listed, list) else []):
        if isinstance(widget, dict) and plain is not None:
            properties = widget.get("properties")
            shown = tuple(_shown(dashboard, properties, plain)) if isinstance(properties, dict) else ()
            yield Widget(dashboard, position, widget, plain, shown)


def _shown(dashboard: Resource, properties: Mapping[str, Any], plain: Marked) -> Iterator[Series]:
    before: list[Any] = []
    lines = properties.get("metrics")
    for line in lines if isinstance(lines, list) else []:
        if not isinstance(line, list):
            continue
        options = line[-1] if line and isinstance(line[-1], dict) else {}
        words = _unfolded([one for one in line if not isinstance(one, dict)], before)
        stat, period = (
            options.get("stat", properties.get("stat")),
            options.get("period", properties.get("period")),
        )
        if isinstance(options.get("expression"), str):
            yield from asked_for(
                dashboard,
                ("DashboardBody",),
                plain.back(options["expression"]),
                period,
                str(options.get("id")),
            )
        elif len(words) >= 2 and all(isinstance(word, str) for word in words):
            before = words
            namespace, name, *rest = map(plain.back, words)
            pairs = tuple(zip(rest[::2], rest[1::2], strict=False)) if len(rest) % 2 == 0 else None
            yield Series(
                dashboard,
                ("DashboardBody",),
                namespace,
                name,
                pairs,
                stat,
                period,
                None,
                str(options.get("id", "")),
            )


def _unfolded(words: list[Any], before: list[Any]) -> list[Any]:
    """`.` repeats what the line before has there, `...` all that it has but its end."""
    if words[:1] == ["..."]:
        words = [*before[: len(before) - len(words) + 1], *words[1:]]
    return [
        before[place] if word == "." and place < len(before) else word for place, word in enumerate(words)
    ]


@once
def every_series(site: Site) -> tuple[Series, ...]:
    """Of all alarms, then of all widgets."""
    of_alarms = [series for alarm in alarms(site) for series in alarm.series]
    return (*of_alarms, *(series for widget in widgets(site) for series in widget.series))

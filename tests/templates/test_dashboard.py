"""The dashboard's body as CloudWatch takes it, and as people read it: from device to table, top to bottom.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

import json
import re
from typing import Any

Templates = dict[str, dict[str, Any]]
COLUMNS = 24


def read(templates: Templates) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    body = templates["observability"]["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    text, values = body["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(text)["widgets"]
    return widgets, values


def test_every_widget_has_what_its_type_needs(templates: Templates) -> None:
    widgets, _ = read(templates)

    assert 0 < len(widgets) <= 500
    for widget in widgets:
        assert set(widget) == {"type", "x", "y", "width", "height", "properties"}
        properties = widget["properties"]
        if widget["type"] == "text":
            assert properties["markdown"]
        elif widget["type"] == "alarm":
            assert 0 < len(properties["alarms"]) <= 100
        else:
            assert widget["type"] == "metric"
            assert properties["region"] == "${AWS::Region}"
            assert properties["stat"] in {"Sum", "Average", "Minimum", "Maximum", "p99"}
            assert properties["period"] % 60 == 0
            assert 0 < len(properties["metrics"]) <= 500


def test_no_widget_lies_on_another_or_beside_the_page(templates: Templates) -> None:
    widgets, _ = read(templates)

    cells = [
        (widget["x"] + across, widget["y"] + down)
        for widget in widgets
        for across in range(widget["width"])
        for down in range(widget["height"])
    ]

    assert len(cells) == len(set(cells))
    assert all(0 <= across < COLUMNS for across, _ in cells)
    depth = max(down for _, down in cells) + 1
    assert len(cells) == COLUMNS * depth, "rows are full, none is missing"


def test_the_rows_are_a_reading_s_way(dev: Templates, prod: Templates) -> None:
    for templates in (dev, prod):
        widgets, _ = read(templates)
        headings = [widget for widget in widgets if widget["type"] == "text"]

        assert [heading["properties"]["markdown"].partition("\n")[0] for heading in headings] == [
            "## Doors",
            "## Stream",
            "## Processor",
            "## Commits",
            "## Plant",
            "## Database",
            "## Cache",
            "## Credentials and messages",
            "## Way out",
        ]
        assert [heading["y"] for heading in headings] == sorted(heading["y"] for heading in headings)


def test_the_alarms_stand_on_top_and_the_pager_s_is_first(templates: Templates) -> None:
    widgets, values = read(templates)
    first = widgets[0]
    kinds = ("AWS::CloudWatch::CompositeAlarm", "AWS::CloudWatch::Alarm")
    resources = templates["observability"]["Resources"]

    shown = [values[name[2:-1]]["Fn::GetAtt"] for name in first["properties"]["alarms"]]

    assert first["type"] == "alarm" and first["y"] == 0
    assert shown[0] == ["ReadingsStopped", "Arn"]
    assert {title for title, _ in shown} == {
        title for title, made in resources.items() if made["Type"] in kinds
    }


def test_every_value_that_the_page_names_is_given(templates: Templates) -> None:
    widgets, values = read(templates)

    assert set(re.findall(r"\$\{([^}]+)\}", json.dumps(widgets))) - {"AWS::Region"} == set(values)


def test_a_graph_shows_where_its_alarm_begins(templates: Templates) -> None:
    widgets, _ = read(templates)
    alarm = templates["observability"]["Resources"]["Lag"]["Properties"]
    (lag,) = [widget for widget in widgets if widget["properties"].get("title") == "Lag (ms)"]

    assert lag["properties"]["annotations"]["horizontal"] == [{"label": "alarm", "value": alarm["Threshold"]}]

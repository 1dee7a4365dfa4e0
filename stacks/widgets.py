"""What the dashboard is built of: graphs whose lines are on published metrics, in rows below a heading."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from troposphere import AWSHelperFn, Sub, cloudwatch

from stacks.alarm import Series
from topology.metrics import Metric

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
COLUMNS = 24
HEADER_HEIGHT = 2
ALARMS_HEIGHT = 5
GRAPH_HEIGHT = 6
MINUTE = 60

Widget = dict[str, object]
Line = list[object]
Name = tuple[object, object]  # a metric's namespace and name


@dataclass(frozen=True)
class Row:
    """A heading that says what one sees, and graphs beside each other below it."""

    title: str
    says: str
    graphs: Sequence[Widget]


class Body:
    """The page's JSON as it grows. It is text inside Fn::Sub, so that values enter it by names."""

    def __init__(self, limits: Mapping[Name, float]) -> None:
        self.values: dict[str, AWSHelperFn] = {}
        self._limits = limits

    def name(self, name: str, value: AWSHelperFn) -> str:
        self.values[name] = value
        return f"${{{name}}}"

    def line(self, metric: Metric, **values: str) -> Line:
        series = Series(metric, values, "")  # refuses dimensions that are not the metric's
        pairs = [part for name in metric.dimensions for part in (name, series.values[name])]
        return [metric.namespace, metric.name, *pairs]

    def graph(self, title: str, statistic: str, lines: Sequence[Line], period: int = MINUTE) -> Widget:
        """Lines over time, with the limit at which the alarm on the first one begins."""
        limit = self._limits.get((lines[0][0], lines[0][1]))
        mark: Widget = {"annotations": {"horizontal": [{"label": "alarm", "value": limit}]}}
        return self._metrics(title, statistic, [*lines], period, {} if limit is None else mark)

    def search(self, title: str, statistic: str, metric: Metric, **values: str) -> Widget:
        """A line for each value of the dimensions that are not given, however many there are today.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
        """
        schema = ",".join([metric.namespace, *metric.dimensions])
        given = " ".join(f'{name}="{value}"' for name, value in values.items())
        expression = f"SEARCH('{{{schema}}} MetricName=\"{metric.name}\" {given}', '{statistic}', {MINUTE})"
        return self._metrics(title, statistic, [[{"expression": expression, "id": "found"}]], MINUTE, {})

    def _metrics(
        self, title: str, statistic: str, lines: list[Line], period: int, more: dict[str, object]
    ) -> Widget:
        return {
            "type": "metric",
            "properties": {
                "title": title,
                "region": "${AWS::Region}",
                "stat": statistic,
                "period": period,
                "view": "timeSeries",
                "metrics": lines,
                **more,
            },
        }


def limits_of(alarms: Sequence[cloudwatch.Alarm]) -> dict[Name, float]:
    """Only of alarms whose unit is the graph's: one metric, no expression. A limit of zero is the axis.

    Of two alarms on one metric the first begins first.
    """
    limits: dict[Name, float] = {}
    for made in alarms:
        if "MetricName" in made.properties and made.Threshold:
            limits.setdefault((made.Namespace, made.MetricName), made.Threshold)
    return limits


def placed(rows: Sequence[Row]) -> list[Widget]:
    """Each row's heading over the whole width, its graphs below it in equal parts."""
    widgets: list[Widget] = []
    top = ALARMS_HEIGHT
    for row in rows:
        markdown = f"## {row.title}\n{row.says}"
        heading: Widget = {"type": "text", "properties": {"markdown": markdown}}
        widgets.append({**heading, "x": 0, "y": top, "width": COLUMNS, "height": HEADER_HEIGHT})
        top += HEADER_HEIGHT
        width = COLUMNS // len(row.graphs)
        for position, graph in enumerate(row.graphs):
            widgets.append({**graph, "x": position * width, "y": top, "width": width, "height": GRAPH_HEIGHT})
        top += GRAPH_HEIGHT
    return widgets


def page(body: Body, alarms: Sequence[str], rows: Sequence[Row]) -> Sub:
    """The whole body: the alarms over the full width, a widget a line, so that a diff shows which changed."""
    overview: Widget = {
        "type": "alarm",
        "x": 0,
        "y": 0,
        "width": COLUMNS,
        "height": ALARMS_HEIGHT,
        "properties": {"title": "Alarms: the first is what a pager hears", "alarms": [*alarms]},
    }
    widgets = ",\n".join(json.dumps(widget) for widget in [overview, *placed(rows)])
    return Sub(f'{{"widgets": [\n{widgets}\n]}}\n', body.values)

"""Every alarm of every stack says what it means and what to do, and the runbook says the same."""

import re
from pathlib import Path
from typing import Any

import build
import pytest
from parameters.settings import environments, load

from stacks import runbook
from stacks.alarm import family

Templates = dict[str, dict[str, Any]]
PAGE = Path(__file__).parents[2] / "docs" / "runbook.md"
ALARMS = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")


@pytest.fixture(scope="module")
def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def alarms(templates: Templates) -> dict[str, dict[str, Any]]:
    return {
        title: resource["Properties"]
        for template in templates.values()
        for title, resource in template["Resources"].items()
        if resource["Type"] in ALARMS
    }


def test_the_page_is_what_the_stacks_say(text: str) -> None:
    made = runbook.page(
        emitted.template for name in environments() for emitted in build.synthesise(load(name))
    )

    assert made == text, "run `python build.py` and commit docs/runbook.md"


def test_every_alarm_leads_to_its_entry(templates: Templates, text: str) -> None:
    headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}

    for title, alarm in alarms(templates).items():
        (anchor,) = re.findall(r"docs/runbook\.md#(\w+)$", alarm["AlarmDescription"])
        assert anchor == family(title).lower()
        assert anchor in headings, title


def test_every_rule_that_tells_people_leads_to_its_entry(templates: Templates, text: str) -> None:
    told = [
        (title, resource["Properties"])
        for template in templates.values()
        for title, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule" and "EventPattern" in resource["Properties"]
    ]

    assert {title for title, _ in told} == {
        "RotationFailed",
        "DeploymentFailed",
        "DatabaseEvents",
        "KeyEndangered",
        "ImageFindings",
    }
    for title, rule in told:
        (target,) = rule["Targets"]
        assert f"docs/runbook.md#{title.lower()}" in target["InputTransformer"]["InputTemplate"]
        assert f"\n## {title}\n" in text


def test_no_anchor_leads_nowhere(text: str) -> None:
    headings = {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}

    assert set(re.findall(r"\(#(\w+)\)", text)) == headings

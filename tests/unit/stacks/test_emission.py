"""YAML as people read CloudFormation, and the same everywhere."""

from typing import Any

import pytest
import yaml
from troposphere import GetAtt, If, Join, Output, Parameter, Ref, Sub, sns

from parameters.settings import load
from stacks import platform
from stacks.emission import InPython, dump, emit
from stacks.wiring import StackTemplate


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (Ref("A"), "!Ref A"),
        (GetAtt("A", "Outputs.B"), "!GetAtt A.Outputs.B"),
        (Sub("${A}-b"), "!Sub ${A}-b"),
        (Sub("a: ${A}"), "!Sub 'a: ${A}'"),
        (Join("", ["a", Ref("B")]), "!Join\n- ''\n- - a\n  - !Ref B"),
        (If("C", Ref("A"), Ref("AWS::NoValue")), "!If\n- C\n- !Ref A\n- !Ref AWS::NoValue"),
        (Sub("${a}", {"a": Ref("A")}), "!Sub\n- ${a}\n- a: !Ref A"),
    ],
)
def test_functions_take_their_short_form(function: Any, text: str) -> None:
    assert dump({"x": function.to_dict()}) == f"x: {text}\n"


@pytest.mark.parametrize(
    "text", ["yes", "on", "012", "1:30", "2012-10-17", "111122223333", "null", "1.5", "~", ""]
)
def test_text_that_looks_like_something_else_stays_text(text: str) -> None:
    assert yaml.safe_load(dump({"x": text})) == {"x": text}
    assert "'" in dump({"x": text})


def test_long_text_is_not_folded_and_lines_stay_lines() -> None:
    assert dump({"x": "word " * 80 + "end"}).count("\n") == 1
    assert dump({"x": "a\nb\n"}) == "x: |\n  a\n  b\n"


def test_the_same_object_twice_is_written_twice() -> None:
    shared = {"a": 1}
    assert dump([shared, shared]) == "- a: 1\n- a: 1\n"


def test_sections_and_attributes_stand_in_their_usual_order() -> None:
    template = StackTemplate("any", __name__, load("dev"))
    template.add_output(Output("Made", Value=Ref("Topic")))
    template.add_resource(
        sns.Topic(
            "Topic",
            TopicName="last written, first read",
            DisplayName="second",
            UpdateReplacePolicy="Delete",
            DeletionPolicy="Delete",
            DependsOn="Other",
            Metadata={"why": "because"},
        )
    )
    template.add_parameter(Parameter("Given", Type="String"))

    lines = emit(template).splitlines()

    assert lines[0].startswith("# Made by build.py from ")
    assert lines[0].endswith("and parameters/dev.yaml. Change those, never this file.")
    assert [line.partition(":")[0] for line in lines[1:] if line[0].isalpha()] == [
        "AWSTemplateFormatVersion",
        "Description",
        "Parameters",
        "Resources",
        "Outputs",
    ]
    attributes = [
        line.strip().partition(":")[0] for line in lines if line.startswith("    ") and line[4] != " "
    ]
    assert attributes[1:-1] == [
        "Type",
        "Metadata",
        "DependsOn",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "Properties",
    ]
    assert lines.index("      TopicName: last written, first read") < lines.index("      DisplayName: second")


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_without_libyaml_the_bytes_are_the_same(environment: str) -> None:
    trees = [template.tree for template in platform.build(load(environment))]
    odd = ["plain", "a: b", "it's", "two\nlines\n", "– …", "*", "x " * 300, "${A}", "- a", "#", "", "\t"]
    for tree in (*trees, odd, [{"Ref": text} for text in odd], [[], {}, 1, True, 0.5]):
        assert dump(tree, InPython) == dump(tree)

"""Finding the intrinsic functions of a template."""

from stacks.functions import Function, functions, names


def test_functions_are_found_wherever_they_stand() -> None:
    tree = {"A": [{"Fn::Join": ["", [{"Ref": "One"}, "text"]]}], "B": {"Condition": "Large", "C": {"D": 1}}}
    assert list(functions(tree)) == [
        Function("A[0]", "Fn::Join", ["", [{"Ref": "One"}, "text"]]),
        Function("A[0].Fn::Join[1][0]", "Ref", "One"),
        Function("B", "Condition", "Large"),
    ]


def test_a_policy_s_condition_is_no_function() -> None:
    assert list(functions({"Condition": {"StringEquals": {"a": "b"}}})) == []


def test_a_text_names_what_it_takes_from_the_template() -> None:
    text = {"Fn::Sub": ["${Own} ${Topic.Arn} ${AWS::Region} ${!literal}", {"Own": {"Ref": "Given"}}]}
    assert names(text) == {"Topic", "AWS::Region", "Given"}
    assert names({"Fn::Sub": "${One}-${Two.Arn}"}) == {"One", "Two"}


def test_both_forms_of_get_att_are_one() -> None:
    listed, dotted = Function("", "Fn::GetAtt", ["A", "B.C"]), Function("", "Fn::GetAtt", "A.B.C")
    assert listed.attribute() == dotted.attribute() == ("A", "B.C")

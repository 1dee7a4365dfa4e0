from dataclasses import replace

from local.soak.standing import Standing

STACK = {"status": "CREATE_COMPLETE", "policy": None}
MODEL = Standing({"a": STACK}, {"x:v1": "sha256:a"}, {"templates": 2}, (), (), ())


def test_alike_is_no_difference_and_open_plans_are_asked_for_apart() -> None:
    assert replace(MODEL, open_plans=("millrace-deploy-1",)).differences(MODEL) == []


def test_what_differs_is_told_by_stack_and_field() -> None:
    stands = replace(MODEL, stacks={"a": {"status": "CREATE_COMPLETE", "policy": {}}})

    assert stands.differences(MODEL) == ["a: policy is {}, not None"]


def test_a_stack_too_many_or_too_few_another_image_and_a_half_written_artefact_are_told() -> None:
    stands = Standing({"b": {}}, {"x:v1": "sha256:b"}, {"templates": 1}, ("templates/1.yaml",), (), ())

    assert stands.differences(MODEL) == [
        "templates/1.yaml does not hold what its name says",
        "images are {'x:v1': 'sha256:b'}, not {'x:v1': 'sha256:a'}",
        "artefacts are {'templates': 1}, not {'templates': 2}",
        "stack a is missing",
        "stack b is left over",
    ]

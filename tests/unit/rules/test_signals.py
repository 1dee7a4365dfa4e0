import pytest

from tests.unit.rules.conftest import Say

ROOT = """\
Resources:
  Letters: {Type: AWS::SQS::Queue}
  Watch:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: watch.yaml
      Parameters: {Queue: !GetAtt Letters.QueueName}
"""
WATCH = """\
Parameters:
  Queue: {Type: String}
Resources:
  Waiting:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: NAMESPACE
      MetricName: ApproximateNumberOfMessagesVisible
      Dimensions: DIMENSIONS
"""


def watch(dimensions: str, namespace: str = "AWS/SQS") -> str:
    return WATCH.replace("DIMENSIONS", dimensions).replace("NAMESPACE", namespace)


def test_a_queue_is_watched_by_its_name(say: Say) -> None:
    assert say("E9601", ROOT, watch=watch("[{Name: QueueName, Value: !Ref Queue}]")) == []


@pytest.mark.parametrize(
    ("dimensions", "named"),
    [
        ("[{Name: Queue, Value: !Ref Queue}]", "Queue"),
        ("[{Name: QueueName, Value: !Ref Queue}, {Name: Region, Value: x}]", "QueueName, Region"),
        ("[]", "no dimension"),
    ],
)
def test_any_other_dimension_is_one_that_no_queue_has(say: Say, dimensions: str, named: str) -> None:
    (finding,) = say("E9601", ROOT, watch=watch(dimensions))

    assert finding == (
        "watch.yaml:9: E9601 alarm Watch/Waiting watches ApproximateNumberOfMessagesVisible of a queue "
        f"under {named}, where SQS publishes nothing; give it the one dimension QueueName"
    )


@pytest.mark.parametrize("dimensions", ["!Ref Queue", "[{Name: !Ref Queue, Value: x}]"])
def test_dimensions_that_nobody_can_read_are_not_judged(say: Say, dimensions: str) -> None:
    assert say("E9601", watch(dimensions)) == []


def test_other_namespaces_are_not_judged(say: Say) -> None:
    assert say("E9601", ROOT, watch=watch("[{Name: Queue, Value: !Ref Queue}]", "Plant")) == []

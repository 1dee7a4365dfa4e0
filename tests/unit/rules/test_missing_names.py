"""Workloads that name what is not there."""

from tests.unit.rules.conftest import Say

JOB = """\
Conditions: {Logged: !Equals [!Ref AWS::Region, eu-west-2]}
Resources:
  Journal: {Type: AWS::Logs::LogGroup, Condition: Logged}
  Role: {Type: AWS::IAM::Role}
  Job:
    Type: AWS::Lambda::Function
    Properties:
      Role: !GetAtt Role.Arn
      LoggingConfig: {LogGroup: !Ref Journal}
      Environment: {Variables: {BUCKET: !ImportValue bucket}}
"""


def test_what_is_there_in_some_way_is_left_alone(say: Say) -> None:
    assert say("E9547", JOB) == []


def test_a_name_that_leads_nowhere(say: Say) -> None:
    (finding,) = say("E9547", JOB.replace("  Role: {Type: AWS::IAM::Role}\n", ""))
    assert finding == (
        "root.yaml:7: E9547 Job refers to Role, which is not there; name what the template has, "
        "or bring it back"
    )
    assert len(say("E9547", JOB.replace("!Ref Journal", "!Ref Journals"))) == 1


def test_a_macro_may_yet_make_it(say: Say) -> None:
    made = "Transform: AWS::Serverless-2016-10-31\n" + JOB.replace("!GetAtt Role.Arn", "!GetAtt JobRole.Arn")
    assert say("E9547", made) == []

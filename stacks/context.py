"""Why a resource is there and what it must never lose, written on the resource itself.

The form is CloudFormation's own, which cfn-lint's I4010 asks for on every resource that shapes a system:
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-metadata.html
"""

KEY = "com.aws.cloudformation.Context"


def why(reason: str, *must: str) -> dict[str, object]:
    """The `Metadata` of a resource: its reason and its invariants, each held by a rule or a test."""
    return {KEY: {"why": reason, **({"must": list(must)} if must else {})}}

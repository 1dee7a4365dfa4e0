"""What CloudFormation cannot know before a change set is executed, in words.

It puts a placeholder there, which no page of AWS's describes: {{changeSet:KNOWN_AFTER_APPLY}}, as in
https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2559, or for what another
resource or nested stack has, {{IntrinsicFunction:millrace-dev/Keys.Outputs.DataKeyArn/Fn::GetAtt}}.
"""

import re

from deployer.changes import UNKNOWN

OF = re.compile(
    r"\{\{IntrinsicFunction:(?:[^{}/]+/)*(?P<owner>[^{}./]+)(?:\.(?P<attribute>[^{}/]+))?/(?:Fn::GetAtt|Ref)\}\}"
)
OUTPUTS = "Outputs."


def in_words(text: str) -> str:
    """The same text, each placeholder as `(known after apply: output DataKeyArn of stack Keys)`."""
    return UNKNOWN.sub(lambda found: f"({_said(found[0])})", text)


def _said(placeholder: str) -> str:
    found = OF.fullmatch(placeholder)
    if found is None:
        return "known after apply"
    owner, attribute = found["owner"], found["attribute"]
    if attribute is None:
        return f"known after apply: {owner}"
    if attribute.startswith(OUTPUTS):
        return f"known after apply: output {attribute.removeprefix(OUTPUTS)} of stack {owner}"
    return f"known after apply: {attribute} of {owner}"

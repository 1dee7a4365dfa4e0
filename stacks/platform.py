"""The platform: ten stacks, from the keys that all need to the alarms that watch them all."""

from troposphere import Output

from parameters.settings import Environment
from stacks import keys, stream
from stacks.wiring import Root, StackTemplate


def build(environment: Environment) -> list[StackTemplate]:
    """Every template of the platform, children first, the root last."""
    template = StackTemplate("platform", __name__, environment)
    root = Root(template, environment)
    key = root.nest(keys.build, keys.Inputs(), environment.keys)
    readings = root.nest(stream.build, stream.Inputs(data_key_arn=key.data_key_arn), environment.stream)
    template.add_output(Output("KinesisStreamName", Value=readings.stream_name))
    template.tag_resources()
    return [*root.children.values(), template]

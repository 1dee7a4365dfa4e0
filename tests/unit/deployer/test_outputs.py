import json
import subprocess

from deployer.outputs import Format, render

OUTPUTS = {"VpcId": "vpc-1", "KinesisStreamName": "it's $HOME", "EcsServiceName": "s"}


def test_json_has_both_names() -> None:
    assert json.loads(render(OUTPUTS, Format.JSON)) == {
        **OUTPUTS,
        "vpc_id": "vpc-1",
        "kinesis_stream_name": "it's $HOME",
    }


def test_env_survives_a_shell() -> None:
    script = f'{render(OUTPUTS, Format.ENV)}\nprintf \'%s|%s\' "$kinesis_stream_name" "$VpcId"'

    ran = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout == "it's $HOME|vpc-1"


def test_dotenv_is_quoted() -> None:
    assert render(OUTPUTS, Format.DOTENV).splitlines() == [
        'EcsServiceName="s"',
        'KinesisStreamName="it\'s \\$HOME"',
        'VpcId="vpc-1"',
        'vpc_id="vpc-1"',
        'kinesis_stream_name="it\'s \\$HOME"',
    ]

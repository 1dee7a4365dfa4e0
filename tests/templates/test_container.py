"""The image and the task that runs it agree, although nothing but this test knows both."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_task_runs_as_the_user_that_the_image_is_made_for(environment: str) -> None:
    image = re.search(r"^USER (\S+)$", (ROOT / "processor/Dockerfile").read_text(), re.MULTILINE)
    task = re.search(
        r"^ +User: (\S+)$", (ROOT / f"templates/{environment}/processor.yaml").read_text(), re.MULTILINE
    )

    assert image is not None and task is not None
    assert task[1] == image[1]

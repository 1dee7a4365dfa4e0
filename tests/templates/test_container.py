"""The image and the task that runs it agree, although nothing but this test knows both."""

import re
from pathlib import Path

import pytest

from processor.engine.launch import HOME

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_task_runs_as_the_user_that_the_image_is_made_for(environment: str) -> None:
    image = re.search(r"^USER (\S+)$", (ROOT / "processor/Dockerfile").read_text(), re.MULTILINE)
    task = re.search(
        r"^ +User: (\S+)$", (ROOT / f"templates/{environment}/processor.yaml").read_text(), re.MULTILINE
    )

    assert image is not None and task is not None
    assert task[1] == image[1]


def test_the_image_takes_the_engine_from_the_directory_where_the_launcher_looks() -> None:
    dockerfile = (ROOT / "processor/Dockerfile").read_text()

    assert f"COPY --from=engine {HOME} {HOME}" in dockerfile
    assert f"bash engine/install.sh {HOME} && bash engine/runtime.sh {HOME}/runtime" in dockerfile


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_the_task_mounts_a_volume_where_the_image_s_user_may_write(environment: str) -> None:
    """A volume takes over the owner of a directory that the image declares as one."""
    dockerfile = (ROOT / "processor/Dockerfile").read_text()
    (mounted,) = re.findall(
        r"ContainerPath: (\S+)$", (ROOT / f"templates/{environment}/processor.yaml").read_text(), re.MULTILINE
    )
    user = re.search(r"^USER (\S+)$", dockerfile, re.MULTILINE)

    assert user is not None
    assert f"VOLUME {mounted}\n" in dockerfile
    assert f"RUN mkdir -p /written{mounted.removeprefix('/run')}\n" in dockerfile
    assert f"COPY --from=engine --chown={user[1]} /written /run\n" in dockerfile


def test_the_last_stage_of_the_image_fetches_nothing() -> None:
    last = re.split(r"^FROM ", (ROOT / "processor/Dockerfile").read_text(), flags=re.MULTILINE)[-1]
    last = re.sub(r"^#.*$", "", last, flags=re.MULTILINE)

    assert not re.findall(r"^RUN |https?://|^ADD ", last, re.MULTILINE)


def test_each_jar_is_held_to_a_sum_of_its_own() -> None:
    lines = (ROOT / "engine/jars.sha256").read_text().splitlines()
    jars = [line.split("  ")[1] for line in lines]

    assert all(re.fullmatch(r"[0-9a-f]{64}  [\w.+-]+\.jar", line) for line in lines)
    assert sorted(set(jars)) == jars
    assert {"amazon-kinesis-client-3.5.1.jar", "amazon-kinesis-client-multilang-3.1.3.jar"} <= set(jars)

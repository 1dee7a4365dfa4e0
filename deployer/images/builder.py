"""Whatever on this machine can build the image, told to write it as an OCI archive."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployer.errors import DeployerError, UsageError
from deployer.images.archive import PLATFORM
from deployer.paths import ROOT

DOCKERFILE = "processor/Dockerfile"
NAME = "localhost/millrace-processor:build"
LAST_LINES = 15

Command = tuple[str, ...]
Run = Callable[[Command, Path], subprocess.CompletedProcess[str]]


class NoBuilder(UsageError):
    """nothing here can build an image (looked for {names}): install one of them, or build it elsewhere for
    linux/arm64 and push the OCI archive with `python deploy.py image {environment} --archive FILE`"""


class BuildFailed(DeployerError):
    """`{command}` failed; mend what it says, or bring an image built elsewhere with --archive FILE: {why}"""


class NoCommit(UsageError):
    """the image's tag is the commit, and git does not tell it ({why}): push it with
    `python deploy.py image ENV --tag TAG`, then go on with the digest that this prints"""


@dataclass(frozen=True)
class Builder:
    """`answers` shows that it works; `commands` build the archive {file}, one after the other."""

    name: str
    answers: Command
    commands: tuple[Command, ...]


BUILD = ("--platform", PLATFORM, "--file", DOCKERFILE)
# An attestation beside the image would make an index of it, which ECR does not scan.
PLAIN = ("--provenance=false", "--sbom=false")
BUILDERS = (
    # Its `docker` driver cannot write an archive: https://docs.docker.com/build/exporters/oci-docker/
    Builder(
        "docker buildx",
        ("docker", "buildx", "inspect", "--bootstrap"),
        (("docker", "buildx", "build", *BUILD, *PLAIN, "--output", "type=oci,dest={file}", "."),),
    ),
    Builder(  # https://docs.podman.io/en/latest/markdown/podman-save.1.html
        "podman",
        ("podman", "info"),
        (
            ("podman", "build", *BUILD, "--format", "oci", "--tag", NAME, "."),
            ("podman", "save", "--format", "oci-archive", "--output", "{file}", NAME),
        ),
    ),
    Builder(  # https://github.com/containers/buildah/blob/main/docs/buildah-push.1.md
        "buildah",
        ("buildah", "info"),
        (
            ("buildah", "build", *BUILD, "--format", "oci", "--tag", NAME, "."),
            ("buildah", "push", NAME, "oci-archive:{file}"),
        ),
    ),
    *(  # https://github.com/containerd/nerdctl/blob/main/docs/command-reference.md#whale-nerdctl-build
        Builder(name, (name, "info"), ((name, "build", *BUILD, "--output", "type=oci,dest={file}", "."),))
        for name in ("finch", "nerdctl")
    ),
)


def run(command: Command, directory: Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    except OSError as error:
        return subprocess.CompletedProcess(command, 127, "", str(error))


def find(environment: str, builders: Sequence[Builder] = BUILDERS, run: Run = run) -> Builder:
    """The first that is installed and answers. Raises NoBuilder."""
    for builder in builders:
        if shutil.which(builder.answers[0]) and run(builder.answers, ROOT).returncode == 0:
            return builder
    raise NoBuilder(names=", ".join(builder.name for builder in builders), environment=environment)


@contextmanager
def built(builder: Builder, run: Run = run) -> Iterator[Path]:
    """Where the archive lies until the end of the block. Raises BuildFailed with its last lines."""
    with tempfile.TemporaryDirectory(prefix="millrace-image-") as directory:
        file = Path(directory) / "image.tar"
        for command in builder.commands:
            filled = tuple(part.format(file=file) for part in command)
            ran = run(filled, ROOT)
            if ran.returncode:
                last = "\n".join((ran.stderr or ran.stdout).strip().splitlines()[-LAST_LINES:])
                raise BuildFailed(command=" ".join(filled), why=last or f"exit code {ran.returncode}")
        yield file


def tag_of_checkout(run: Run = run) -> str:
    """`git describe`: a release's tag, else the commit; `-dirty` where something is not committed."""
    ran = run(("git", "describe", "--tags", "--always", "--abbrev=12", "--dirty"), ROOT)
    if ran.returncode:
        raise NoCommit(why=ran.stderr.strip() or "no git")
    return ran.stdout.strip()

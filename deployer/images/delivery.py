"""An image on its way into the repository: found there by its tag, brought as an archive, or built."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deployer.images import builder, repository, scan
from deployer.images.archive import Archive
from deployer.images.repository import Pushed, Repository
from deployer.images.scan import Scan
from deployer.target import Target

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Delivered:
    """What `image --json` prints; `reference` is what a task definition names."""

    digest: str
    tag: str
    reference: str
    uploaded_bytes: int
    scan: Scan


def deliver(
    target: Target, *, tag: str | None, archive: Path | None, build: bool, tell: Tell = print
) -> Delivered:
    """Push the archive, or what is built here unless the tag names an image already; wait for the scan.

    Raises NotBootstrapped, NoCommit, NoBuilder, BuildFailed, BadArchive, WrongPlatform, Damaged, TagTaken.
    """
    to = repository.of(target)
    name = tag or builder.tag_of_checkout()
    present = to.tagged(name) if archive is None and not build else None
    if present is not None:
        pushed = Pushed(present, name, 0)
    elif archive is not None:
        pushed = _pushed(to, archive, name)
    else:
        by = builder.find(target.environment.name)
        tell(f"building with {by.name}")
        with builder.built(by) as file:
            pushed = _pushed(to, file, name)
    tell(f"{to.name}:{name} is {pushed.digest}, {pushed.uploaded:,} bytes uploaded")
    found = scan.wait(target.clients.ecr, target.clock, target.poll, to.name, pushed.digest)
    tell(f"scan: {found.summary}")
    return Delivered(pushed.digest, name, f"{to.uri}@{pushed.digest}", pushed.uploaded, found)


def _pushed(to: Repository, archive: Path, tag: str) -> Pushed:
    with Archive(archive) as opened:
        return to.push(opened, tag)

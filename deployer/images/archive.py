"""An image in an OCI archive: one platform's manifest, its configuration and its layers, each checked.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md: a tar of `index.json` and of blobs
that are named by their digest.
"""

import hashlib
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployer.errors import UsageError

PLATFORM = "linux/arm64"  # what the task definition runs on
INDEXES = frozenset(
    {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    }
)
# What buildx adds beside an image to say how it was built: https://docs.docker.com/build/metadata/attestations/
ATTESTATION = "vnd.docker.reference.type"
CHUNK = 1 << 20

Json = dict[str, Any]


class Unreadable(UsageError):
    """{file} cannot be read ({why}): name an OCI archive with --archive, or leave that out and the image is
    built"""


class BadArchive(UsageError):
    """{file} is no OCI archive ({why}): write one with `docker buildx build --output type=oci,dest=FILE`,
    `podman save --format oci-archive` or `skopeo copy … oci-archive:FILE`"""


class WrongPlatform(UsageError):
    """{file} holds an image for {found}, and the platform runs {wanted}: build it with `--platform
    {wanted}`"""


class Damaged(UsageError):
    """{file} does not hold what it says: blob {digest} is {found}; write the archive again, then
    `python deploy.py image` with --archive"""


@dataclass(frozen=True)
class Blob:
    """One blob of the archive; `size` in bytes."""

    digest: str
    size: int


def check_readable(file: Path) -> None:
    """Before anything is done that the archive is for. Raises Unreadable."""
    try:
        file.open("rb").close()
    except OSError as error:
        raise Unreadable(file=file, why=error.strerror) from error


class Archive:
    """One image of an archive, opened and checked. Raises BadArchive, WrongPlatform, Damaged."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self._tar = tarfile.open(file, "r:")  # noqa: SIM115 -- closed by close()
        except (OSError, tarfile.TarError) as error:
            raise BadArchive(file=file, why=error) from error
        try:
            self._read()
        except BaseException:
            self._tar.close()
            raise

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    def read(self, blob: Blob, part: int) -> Iterator[bytes]:
        """The blob in pieces of `part` bytes, the last one shorter."""
        opened = self._opened(blob.digest)
        while piece := opened.read(part):
            yield piece

    def _read(self) -> None:
        self._members = {member.name.removeprefix("./"): member for member in self._tar if member.isfile()}
        descriptor = self._chosen()
        self.digest: str = descriptor["digest"]
        self.manifest = b"".join(self._checked(self.digest)).decode()
        manifest = json.loads(self.manifest)
        self.media_type: str = manifest.get("mediaType", descriptor["mediaType"])
        blobs = [manifest["config"], *manifest["layers"]]
        # One layer can stand in an image twice, and is one blob.
        self.blobs = tuple(dict.fromkeys(Blob(blob["digest"], blob["size"]) for blob in blobs))
        for blob in self.blobs:
            for _ in self._checked(blob.digest):
                pass

    def _chosen(self) -> Json:
        """The one manifest for PLATFORM, by what its configuration says of itself."""
        by_platform: dict[str, list[Json]] = {}
        for descriptor in self._manifests(self._document("index.json")):
            manifest = json.loads(b"".join(self._checked(descriptor["digest"])))
            if "config" not in manifest:
                raise BadArchive(file=self.file, why=f"{descriptor['digest']} is no image's manifest")
            of = json.loads(b"".join(self._checked(manifest["config"]["digest"])))
            platform = f"{of.get('os')}/{of.get('architecture')}"
            by_platform.setdefault(platform, []).append(descriptor)
        several = by_platform.get(PLATFORM, [])
        if not by_platform:
            raise BadArchive(file=self.file, why="it holds no image")
        if not several:
            found = ", ".join(sorted(by_platform))
            raise WrongPlatform(file=self.file, found=found, wanted=PLATFORM)
        if len({descriptor["digest"] for descriptor in several}) > 1:
            raise BadArchive(file=self.file, why=f"it holds {len(several)} images for {PLATFORM}")
        return several[0]

    def _manifests(self, index: Json) -> Iterator[Json]:
        for descriptor in index.get("manifests", []):
            if ATTESTATION in descriptor.get("annotations", {}):
                continue
            if descriptor.get("mediaType") in INDEXES:
                yield from self._manifests(json.loads(b"".join(self._checked(descriptor["digest"]))))
            else:
                yield descriptor

    def _document(self, name: str) -> Json:
        member = self._members.get(name)
        opened = self._tar.extractfile(member) if member else None
        if opened is None:
            raise BadArchive(file=self.file, why=f"it has no {name}")
        document: Json = json.load(opened)
        return document

    def _checked(self, digest: str) -> Iterator[bytes]:
        """The blob's bytes. Raises Damaged after the last when they are not what the digest says."""
        opened, found = self._opened(digest), hashlib.sha256()
        while piece := opened.read(CHUNK):
            found.update(piece)
            yield piece
        if digest != f"sha256:{found.hexdigest()}":
            raise Damaged(file=self.file, digest=digest, found=f"sha256:{found.hexdigest()}")

    def _opened(self, digest: str) -> Any:
        member = self._members.get(f"blobs/{digest.replace(':', '/')}")
        opened = self._tar.extractfile(member) if member else None
        if opened is None:
            raise Damaged(file=self.file, digest=digest, found="missing")
        return opened

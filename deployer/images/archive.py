"""An image in an OCI archive: one platform's manifest, its configuration and its layers, each checked.

https://github.com/opencontainers/image-spec/blob/main/image-layout.md: a tar of `index.json` and of blobs
that are named by their digest.
"""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

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

T = TypeVar("T")


class Descriptor(msgspec.Struct, rename="camel"):
    """Of https://github.com/opencontainers/image-spec/blob/main/descriptor.md what is read here."""

    digest: str
    size: int
    media_type: str = ""
    annotations: dict[str, str] = {}


class Index(msgspec.Struct):
    """https://github.com/opencontainers/image-spec/blob/main/image-index.md"""

    manifests: list[Descriptor] = []


class Manifest(msgspec.Struct, rename="camel"):
    """https://github.com/opencontainers/image-spec/blob/main/manifest.md"""

    config: Descriptor
    layers: list[Descriptor]
    media_type: str = ""


class Configuration(msgspec.Struct):
    """https://github.com/opencontainers/image-spec/blob/main/config.md"""

    os: str | None = None
    architecture: str | None = None


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
        try:
            self._members = {
                member.name.removeprefix("./"): member for member in self._tar if member.isfile()
            }
        except tarfile.TarError as error:
            raise BadArchive(file=self.file, why=error) from error
        chosen = self._chosen()
        self.digest = chosen.digest
        content = b"".join(self._checked(chosen.digest))
        self.manifest = content.decode()
        manifest = self._decoded(content, Manifest, chosen.digest)
        self.media_type = manifest.media_type or chosen.media_type
        # One layer can stand in an image twice, and is one blob.
        blobs = (Blob(blob.digest, blob.size) for blob in (manifest.config, *manifest.layers))
        self.blobs = tuple(dict.fromkeys(blobs))
        for blob in self.blobs:
            for _ in self._checked(blob.digest):
                pass

    def _chosen(self) -> Descriptor:
        """The one manifest for PLATFORM, by what its configuration says of itself."""
        by_platform: dict[str, list[Descriptor]] = {}
        for descriptor in self._manifests(self._index()):
            config = self._document(descriptor.digest, Manifest).config
            of = self._document(config.digest, Configuration)
            by_platform.setdefault(f"{of.os}/{of.architecture}", []).append(descriptor)
        several = by_platform.get(PLATFORM, [])
        if not by_platform:
            raise BadArchive(file=self.file, why="it holds no image")
        if not several:
            found = ", ".join(sorted(by_platform))
            raise WrongPlatform(file=self.file, found=found, wanted=PLATFORM)
        if len({descriptor.digest for descriptor in several}) > 1:
            raise BadArchive(file=self.file, why=f"it holds {len(several)} images for {PLATFORM}")
        return several[0]

    def _manifests(self, index: Index) -> Iterator[Descriptor]:
        for descriptor in index.manifests:
            if ATTESTATION in descriptor.annotations:
                continue
            if descriptor.media_type in INDEXES:
                yield from self._manifests(self._document(descriptor.digest, Index))
            else:
                yield descriptor

    def _index(self) -> Index:
        member = self._members.get("index.json")
        opened = self._tar.extractfile(member) if member else None
        if opened is None:
            raise BadArchive(file=self.file, why="it has no index.json")
        return self._decoded(opened.read(), Index, "index.json")

    def _document(self, digest: str, form: type[T]) -> T:
        return self._decoded(b"".join(self._checked(digest)), form, digest)

    def _decoded(self, content: bytes, form: type[T], name: str) -> T:
        """Raises BadArchive with the field that is missing or of another kind."""
        try:
            return msgspec.json.decode(content, type=form)
        except msgspec.DecodeError as error:
            raise BadArchive(file=self.file, why=f"{name} is no {form.__name__.lower()}: {error}") from error

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

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from deployer.images.archive import Archive, BadArchive, Damaged, WrongPlatform
from tests.unit.deployer.conftest import OciArchive


def test_the_image_for_arm64_is_chosen_among_several_and_its_attestation_left(tmp_path: Path) -> None:
    made = OciArchive()
    other = made.image("amd64", b"other")
    wanted = made.image("arm64", b"layer one", b"layer two", b"layer one")
    attestation = {**made.image("unknown"), "annotations": {"vnd.docker.reference.type": "x"}}
    file = made.write(tmp_path / "image.tar", made.index(other, wanted, attestation))

    with Archive(file) as archive:
        assert archive.digest == wanted["digest"]
        config, *layers = archive.blobs
        assert json.loads(b"".join(archive.read(config, 1 << 20)))["architecture"] == "arm64"
        assert [list(archive.read(layer, 5)) for layer in layers] == [
            [b"layer", b" one"],
            [b"layer", b" two"],
        ]


@pytest.mark.parametrize("architecture", ["amd64", "arm"])
def test_an_image_for_another_platform_is_refused(tmp_path: Path, architecture: str) -> None:
    made = OciArchive()
    file = made.write(tmp_path / "image.tar", made.image(architecture, b"layer"))

    with pytest.raises(WrongPlatform, match=f"for linux/{architecture}, and the platform runs linux/arm64"):
        Archive(file)


@pytest.mark.parametrize("change", ["altered", "missing"])
def test_a_blob_that_is_not_what_its_name_says_is_refused(tmp_path: Path, change: str) -> None:
    made = OciArchive()
    image = made.image("arm64", b"layer")
    layer = made.digest(b"layer")
    made.blobs[layer] = b"another"
    if change == "missing":
        del made.blobs[layer]

    with pytest.raises(Damaged, match=f"blob {layer} is (missing|sha256:)"):
        Archive(made.write(tmp_path / "image.tar", image))


def test_two_images_for_one_platform_are_one_too_many(tmp_path: Path) -> None:
    made = OciArchive()
    file = made.write(tmp_path / "image.tar", made.image("arm64", b"1"), made.image("arm64", b"2"))

    with pytest.raises(BadArchive, match="it holds 2 images for linux/arm64"):
        Archive(file)


def _tar(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, body in names.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"not a tar", "no OCI archive"),
        (_tar({"manifest.json": b"[]"}), "it has no index.json"),
        (_tar({"./index.json": b'{"manifests": []}'}), "it holds no image"),
        (_tar({"index.json": b'{"manifests": ['}), "index.json is no index: Input data was truncated"),
        (_tar({"index.json": b"[]"}), "index.json is no index: Expected `object`, got `array`"),
        (_tar({"index.json": b'{"manifests": [{}]}'}), "is no index: .*missing required field `digest`"),
        (_tar({"index.json": b"x" * 20_000})[:9_000], "unexpected end of data"),
    ],
)
def test_what_is_no_archive_says_how_to_write_one(tmp_path: Path, body: bytes, why: str) -> None:
    file = tmp_path / "image.tar"
    file.write_bytes(body)

    with pytest.raises(BadArchive, match=rf"{why}.*write one with `docker buildx"):
        Archive(file)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="No such file"):
        Archive(tmp_path / "image.tar")


def test_a_manifest_without_layers_is_refused(tmp_path: Path) -> None:
    made = OciArchive()
    image = made.image("arm64", b"layer")
    manifest = json.loads(made.blobs[image["digest"]])
    del manifest["layers"]
    odd: dict[str, Any] = made.blob(json.dumps(manifest).encode(), image["mediaType"])

    with pytest.raises(BadArchive, match="is no manifest: Object missing required field `layers`"):
        Archive(made.write(tmp_path / "image.tar", odd))


def test_what_is_no_images_manifest_is_refused(tmp_path: Path) -> None:
    made = OciArchive()
    odd: dict[str, Any] = made.blob(b'{"schemaVersion": 2}', "application/vnd.oci.image.manifest.v1+json")

    with pytest.raises(BadArchive, match="is no manifest: Object missing required field `config`"):
        Archive(made.write(tmp_path / "image.tar", odd))

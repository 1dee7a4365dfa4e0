import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from deployer import commands
from deployer.images import builder, delivery, repository
from deployer.images.archive import Archive
from deployer.images.builder import Builder, BuildFailed, NoBuilder, NoCommit
from deployer.images.repository import Repository, TagTaken
from deployer.images.scan import FindingsRefused, Scan, wait
from tests.unit.deployer.conftest import OciArchive

NAME = "millrace/dev"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    made = OciArchive()
    return made.write(tmp_path / "image.tar", made.image("arm64", b"0123456789"))


@pytest.fixture
def to(aws: Any) -> Repository:
    return Repository(aws.session.client("ecr"), f"registry/{NAME}", "dev")


def is_tagged(aws: Any, digest: str | None, tag: str = "v1") -> None:
    if digest is None:
        aws.refuses("describe_images", "ImageNotFoundException", service="ecr")
    else:
        answer = {"imageDetails": [{"imageDigest": digest}]}
        aws.answers("ecr", "describe_images", answer, repositoryName=NAME, imageIds=[{"imageTag": tag}])


def is_scanned(aws: Any, status: str = "COMPLETE", **findings: Any) -> None:
    answer = {"imageScanStatus": {"status": status}, "imageScanFindings": findings}
    aws.answers("ecr", "describe_image_scan_findings", answer)


def test_only_the_missing_blobs_are_uploaded_in_parts_of_the_asked_size(
    aws: Any, to: Repository, archive: Path
) -> None:
    with Archive(archive) as opened:
        config, layer = opened.blobs
        layers = [
            {"layerDigest": config.digest, "layerAvailability": "AVAILABLE"},
            {"layerDigest": layer.digest, "layerAvailability": "UNAVAILABLE"},
        ]
        is_tagged(aws, None)
        aws.answers("ecr", "batch_check_layer_availability", {"layers": layers})
        aws.answers("ecr", "initiate_layer_upload", {"uploadId": "u", "partSize": 6}, repositoryName=NAME)
        for first, last, blob in ((0, 5, b"012345"), (6, 9, b"6789")):
            aws.answers(
                "ecr",
                "upload_layer_part",
                {},
                repositoryName=NAME,
                uploadId="u",
                partFirstByte=first,
                partLastByte=last,
                layerPartBlob=blob,
            )
        aws.answers(
            "ecr",
            "complete_layer_upload",
            {},
            repositoryName=NAME,
            uploadId="u",
            layerDigests=[layer.digest],
        )
        aws.answers(
            "ecr",
            "put_image",
            {},
            repositoryName=NAME,
            imageManifest=opened.manifest,
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageTag="v1",
            imageDigest=opened.digest,
        )

        pushed = to.push(opened, "v1")

    assert (pushed.digest, pushed.uploaded) == (opened.digest, 10)


def test_the_same_image_under_its_tag_is_pushed_already(aws: Any, to: Repository, archive: Path) -> None:
    with Archive(archive) as opened:
        is_tagged(aws, opened.digest)

        assert to.push(opened, "v1").uploaded == 0


def test_another_image_under_the_tag_is_refused_before_anything_is_sent(
    aws: Any, to: Repository, archive: Path
) -> None:
    is_tagged(aws, "sha256:other")

    with Archive(archive) as opened, pytest.raises(TagTaken, match=r"--tag; .*plan dev --image sha256:other"):
        to.push(opened, "v1")


@pytest.mark.parametrize("code", ["ImageAlreadyExistsException", "ImageTagAlreadyExistsException"])
def test_somebody_who_was_quicker_is_told_apart_by_what_they_pushed(
    aws: Any, to: Repository, archive: Path, code: str
) -> None:
    with Archive(archive) as opened:
        is_tagged(aws, None)
        layers = [
            {"layerDigest": blob.digest, "layerAvailability": "AVAILABLE"}
            for blob in (opened.blobs[0], opened.blobs[1])
        ]
        aws.answers("ecr", "batch_check_layer_availability", {"layers": layers[:1]})
        aws.answers("ecr", "initiate_layer_upload", {"uploadId": "u", "partSize": 100})
        aws.answers("ecr", "upload_layer_part", {})
        aws.refuses("complete_layer_upload", "LayerAlreadyExistsException", service="ecr")
        aws.refuses("put_image", code, service="ecr")
        if code == "ImageAlreadyExistsException":
            assert to.push(opened, "v1").digest == opened.digest
        else:
            is_tagged(aws, "sha256:theirs")
            with pytest.raises(TagTaken, match="sha256:theirs"):
                to.push(opened, "v1")


def test_a_scan_is_waited_for_and_counted(aws: Any) -> None:
    ecr = aws.session.client("ecr")
    aws.refuses("describe_image_scan_findings", "ScanNotFoundException", service="ecr")
    is_scanned(aws, "IN_PROGRESS")
    finding = {"severity": "CRITICAL", "attributes": [{"key": "package_name", "value": "openssl"}]}
    counts = {"CRITICAL": 2, "LOW": 3}
    first = {
        "imageScanStatus": {"status": "COMPLETE"},
        "imageScanFindings": {"findingSeverityCounts": counts, "findings": [{**finding, "name": "CVE-1"}]},
        "nextToken": "more",
    }
    aws.answers("ecr", "describe_image_scan_findings", first)
    is_scanned(aws, findings=[{**finding, "name": "CVE-2"}])

    found = wait(ecr, aws.clock, 1.0, NAME, "sha256:1")

    assert (found.summary, found.critical, aws.clock.now()) == (
        "2 critical, 3 low",
        ("CVE-1 openssl", "CVE-2 openssl"),
        2.0,
    )
    with pytest.raises(FindingsRefused, match="2 critical, 3 low: CVE-1 openssl, CVE-2 openssl: build"):
        found.judge("sha256:1")


@pytest.mark.parametrize(
    ("status", "seconds"), [("FAILED", 0.0), ("UNSUPPORTED_IMAGE", 0.0), ("PENDING", 600.0)]
)
def test_an_image_that_nobody_looked_into_is_refused_too(aws: Any, status: str, seconds: float) -> None:
    for _ in range(1 if seconds == 0 else 2):
        is_scanned(aws, status)

    found = wait(aws.session.client("ecr"), aws.clock, 600.0, NAME, "sha256:1")

    assert (found.status, aws.clock.now()) == (status, seconds)
    with pytest.raises(FindingsRefused, match=rf"was not scanned \({status}\)"):
        found.judge("sha256:1")


def test_enhanced_findings_go_on_being_found(aws: Any) -> None:
    critical = {"severity": "CRITICAL", "title": "CVE-3 - zlib"}
    is_scanned(aws, "ACTIVE", findingSeverityCounts={"CRITICAL": 1}, enhancedFindings=[critical])

    assert wait(aws.session.client("ecr"), aws.clock, 1.0, NAME, "sha256:1").critical == ("CVE-3 - zlib",)


def test_no_findings_pass() -> None:
    clean = Scan("COMPLETE", counts={"HIGH": 0})

    clean.judge("sha256:1")
    assert clean.summary == "no findings"


@pytest.fixture
def run(aws: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("deployer.credentials.session", lambda *_: aws.session)
    return lambda *arguments: commands.main(["image", "dev", *arguments])


def test_the_digest_alone_is_on_stdout(aws: Any, run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    aws.account()
    aws.bootstrapped()
    is_tagged(aws, "sha256:1")
    is_scanned(aws)

    assert run("--tag", "v1") == 0
    assert capsys.readouterr() == (
        "sha256:1\n",
        "millrace/dev:v1 is sha256:1, 0 bytes uploaded\nscan: no findings\n",
    )


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--accept-findings"], 0)])
def test_critical_findings_are_refused_unless_accepted(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str], options: list[str], code: int
) -> None:
    aws.account()
    aws.bootstrapped()
    is_tagged(aws, "sha256:1")
    is_scanned(aws, findingSeverityCounts={"CRITICAL": 1})

    assert run("--tag", "v1", "--json", *options) == code

    out, err = capsys.readouterr()
    if code:
        assert (out, "--accept-findings" in err) == ("", True)
    else:
        told = json.loads(out)
        assert (told["reference"], told["scan"]["counts"]) == (
            "registry/millrace/dev@sha256:1",
            {"CRITICAL": 1},
        )


def test_without_a_repository_bootstrap_comes_first(
    aws: Any, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.account()
    aws.no_stack("millrace-dev-bootstrap")

    assert run("--tag", "v1") == 1
    assert "python deploy.py bootstrap dev" in capsys.readouterr().err


def test_an_archive_is_no_build(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--build", "--archive", "image.tar") == 2
    assert "--build is not allowed with --archive" in capsys.readouterr().err


def answers(*codes: int, said: str = "") -> Any:
    ran = []
    left = list(codes)

    def run(command: tuple[str, ...], _: Path) -> CompletedProcess[str]:
        ran.append(command)
        return CompletedProcess(command, left.pop(0), "", said)

    run.ran = ran  # type: ignore[attr-defined]
    return run


def test_the_first_builder_that_answers_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None if name == "podman" else name)

    # docker is there, but its engine is not; podman is not there
    assert builder.find("dev", run=answers(1, 0)).name == "buildah"
    with pytest.raises(NoBuilder, match=r"docker buildx, podman, .*image dev --archive FILE"):
        builder.find("dev", run=answers(1, 1, 1, 1))


@pytest.mark.parametrize("each", builder.BUILDERS, ids=lambda each: each.name.replace(" ", "-"))
def test_each_builder_builds_for_arm64_and_writes_an_oci_archive(each: Builder) -> None:
    run = answers(*(0 for _ in each.commands))

    with builder.built(each, run) as file:
        assert file.name == "image.tar"

    said = " ".join(" ".join(command) for command in run.ran)
    assert f"--platform linux/arm64 --file {builder.DOCKERFILE}" in said
    assert "oci" in said
    assert said.count(str(file)) == 1


def test_a_build_that_fails_ends_with_the_builders_last_words() -> None:
    said = "\n".join(f"line {number}" for number in range(20))

    with (
        pytest.raises(BuildFailed, match=r"`podman build .*` failed; .*: line 5\n(.*\n)+line 19"),
        builder.built(builder.BUILDERS[1], answers(125, said=said)),
    ):
        pass


def test_the_tag_is_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert builder.tag_of_checkout(lambda *_: CompletedProcess("", 0, "v1-2-gabc\n", "")) == "v1-2-gabc"
    with pytest.raises(NoCommit, match=r"not a git repository.*--tag"):
        builder.tag_of_checkout(answers(128, said="fatal: not a git repository"))
    assert builder.run(("no-such-program",), Path()).returncode == 127


def test_what_no_tag_names_is_built_and_pushed(
    aws: Any, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(command: tuple[str, ...], _: Path) -> CompletedProcess[str]:
        Path(command[-2].removeprefix("type=oci,dest=")).write_bytes(archive.read_bytes())
        return CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(builder, "find", lambda _: builder.BUILDERS[0])
    with_fake = builder.built
    monkeypatch.setattr(builder, "built", lambda by: with_fake(by, build))
    monkeypatch.setattr(repository.Repository, "push", lambda _, opened, tag: repository.Pushed(tag, tag, 7))
    monkeypatch.setattr(builder, "tag_of_checkout", lambda: "abc")
    aws.account()
    aws.bootstrapped()
    is_tagged(aws, None)
    is_scanned(aws)
    told: list[str] = []

    delivered = delivery.deliver(
        aws.deployment(archive).target, tag=None, archive=None, build=False, tell=told.append
    )

    assert (delivered.tag, told[0]) == ("abc", "building with docker buildx")

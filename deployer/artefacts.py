"""What a deployment reads from S3: templates and code, each under the hash of its content.

So nothing is ever overwritten, an unchanged file is uploaded once, and a change set made yesterday
still finds today what it was made of. A name proves nothing, though: who may delete an object may write
another in its place, so what is there already is read and compared before it is trusted.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from deployer import secret_parameters, templates
from deployer.errors import ArtefactReplaced, BadTemplate

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

PLATFORM = "platform.yaml"
BOOTSTRAP = "bootstrap.yaml"
TEMPLATE_URL = re.compile(r"^(?P<before>[ ]+TemplateURL:[ ]+)(?P<file>[^\s#]+)(?P<after>[ ]*)$", re.MULTILINE)


@dataclass(frozen=True)
class Artefact:
    """One object: its key holds the hash of its body."""

    key: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Bundle:
    """All that the root template needs, and what may be said of it before it is uploaded."""

    root: Artefact
    root_tree: templates.Tree
    others: tuple[Artefact, ...]
    rotation_code: Artefact
    capabilities: tuple[str, ...]
    # The logical ids that lead to a stack, () the root → its template as it is uploaded.
    templates: Mapping[tuple[str, ...], Artefact]

    @property
    def artefacts(self) -> tuple[Artefact, ...]:
        """What is referred to comes before what refers to it."""
        return (self.rotation_code, *self.others, self.root)


def url(bucket: str, region: str, key: str) -> str:
    """Path style: CloudFormation reads both styles, and only this one names no host per bucket."""
    return f"https://s3.{region}.amazonaws.com/{bucket}/{key}"


def collect(directory: Path, bucket: str, region: str, build_function: Callable[[str], bytes]) -> Bundle:
    """Read the root and all that it nests; children are named by what they hold, the root by what they are.

    Raises TemplateMissing, BadTemplate.
    """
    made: dict[Path, Artefact] = {}
    nested: dict[Path, list[tuple[str, Path]]] = {}
    trees: list[templates.Tree] = []

    def rewritten(file: Path, parents: tuple[Path, ...] = ()) -> Artefact:
        if file in parents:
            raise BadTemplate(file=file, why="nests itself")
        if file not in made:
            text = templates.read(file)
            tree = templates.parse(text, file)
            secret_parameters.refuse(tree, file)
            nested[file] = [(title, file.parent / name) for title, name in templates.nested(tree)]
            children = {
                name: url(bucket, region, rewritten(file.parent / name, (*parents, file)).key)
                for _, name in templates.nested(tree)
            }
            made[file] = template_artefact(point(text, children, file))
            trees.append(tree)
        return made[file]

    def by_path(file: Path, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Artefact]]:
        yield path, made[file]
        for title, child in nested[file]:
            yield from by_path(child, (*path, title))

    root_file = directory / PLATFORM
    root = rewritten(root_file)
    code = build_function("rotation")
    return Bundle(
        root=root,
        root_tree=trees[-1],
        others=tuple(artefact for file, artefact in made.items() if file != root_file),
        rotation_code=Artefact(f"functions/rotation-{_digest(code)}.zip", code, "application/zip"),
        capabilities=tuple(templates.capabilities(trees)),
        templates=dict(by_path(root_file)),
    )


def template_artefact(text: str) -> Artefact:
    body = text.encode()
    return Artefact(f"templates/{_digest(body)}.yaml", body, "application/yaml")


def point(text: str, urls: dict[str, str], file: Path) -> str:
    """The text with each local TemplateURL replaced, every other byte as it was.

    The lines are found as text, so that short tags, comments and order survive; that they are the right
    ones, and all of them, is then seen in the parsed trees.
    """

    def replace(found: re.Match[str]) -> str:
        name = found["file"]
        return f"{found['before']}{urls.get(name, name)}{found['after']}"

    if not urls:
        return text
    changed = TEMPLATE_URL.sub(replace, text)
    expected = templates.parse(text, file)
    for title, name in templates.nested(expected):
        templates.resources(expected)[title]["Properties"]["TemplateURL"] = urls[name]
    if templates.parse(changed, file) != expected:
        raise BadTemplate(file=file, why="has a TemplateURL that is not a line of its own")
    return changed


def upload(s3: "S3Client", bucket: str, owner: str, artefacts: Iterable[Artefact]) -> None:
    """Send what is not there yet, to a bucket of the account `owner` only, and verify what is.

    The name of a bucket that was deleted is free for anybody, and its owner would then write our templates:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
    Raises ArtefactReplaced.
    """
    for artefact in artefacts:
        found = _read(s3, bucket, owner, artefact.key)
        if found is None and not _created(s3, bucket, owner, artefact):
            # Somebody else deploys the same at this moment, or the object is there and may not be read.
            found = s3.get_object(Bucket=bucket, Key=artefact.key, ExpectedBucketOwner=owner)["Body"].read()
        if found is not None and found != artefact.body:
            raise ArtefactReplaced(bucket=bucket, key=artefact.key, found=_digest(found))


def missing(s3: "S3Client", bucket: str, owner: str, artefacts: Iterable[Artefact]) -> tuple[str, ...]:
    """The keys under which nothing lies any more. Raises ArtefactReplaced where something else lies."""
    gone = []
    for artefact in artefacts:
        found = _read(s3, bucket, owner, artefact.key)
        if found is None:
            gone.append(artefact.key)
        elif found != artefact.body:
            raise ArtefactReplaced(bucket=bucket, key=artefact.key, found=_digest(found))
    return tuple(gone)


def _read(s3: "S3Client", bucket: str, owner: str, key: str) -> bytes | None:
    """The object, or None where S3 says that there is none, or does not say."""
    try:
        return s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)["Body"].read()
    except ClientError as error:
        # AccessDenied is what S3 says of a missing object to those who may not list the bucket, and of a
        # bucket of another account: then the upload is refused as well, and says so.
        if error.response["Error"]["Code"] in {"403", "AccessDenied", "404", "NoSuchKey"}:
            return None
        raise


def _created(s3: "S3Client", bucket: str, owner: str, artefact: Artefact) -> bool:
    """Whether the object was written: only where there is none, as the bucket's policy asks of every upload.

    412 says that there is one, 409 that another upload of it is under way:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
    """
    try:
        s3.put_object(
            Bucket=bucket,
            Key=artefact.key,
            Body=artefact.body,
            ContentType=artefact.content_type,
            ChecksumAlgorithm="SHA256",
            ExpectedBucketOwner=owner,
            IfNoneMatch="*",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in {"PreconditionFailed", "ConditionalRequestConflict"}:
            return False
        raise
    return True


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()

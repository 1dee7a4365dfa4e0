"""An environment's templates as plain data that a break edits, and how it finds what it edits."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Body = dict[str, Any]
NESTED = "AWS::CloudFormation::Stack"


class DoesNotApply(LookupError):
    """{what the edit looked for}: {what there is}. The break measures nothing until it is mended."""


@dataclass(frozen=True)
class Part:
    """One resource."""

    file: str
    name: str  # the logical id
    body: Body

    @property
    def properties(self) -> Body:
        found: Body = self.body.setdefault("Properties", {})
        return found

    @property
    def ref(self) -> Body:
        return ref(self.name)

    def att(self, attribute: str) -> Body:
        return att(self.name, attribute)


def ref(name: str) -> Body:
    return {"Ref": name}


def att(name: str, attribute: str) -> Body:
    return {"Fn::GetAtt": [name, attribute]}


def sub(text: str) -> Body:
    return {"Fn::Sub": text}


def is_there(value: object) -> bool:
    """For `having`: whatever the value is."""
    return value is not None


class Draft:
    """File name → template; edited in place."""

    def __init__(self, environment: str, files: Mapping[str, Body]) -> None:
        self.environment = environment
        self.files = dict(files)

    def all(self, kind: str, name: str = "", **having: object) -> list[Part]:
        """The resources of a type, in order, whose properties are as given; or are what a function likes."""
        return [
            Part(file, title, body)
            for file, template in self.files.items()
            for title, body in template["Resources"].items()
            if body["Type"] == kind and name in ("", title) and _has(body.get("Properties") or {}, having)
        ]

    def first(self, kind: str, name: str = "", **having: object) -> Part:
        """The first of several that are alike. Raises DoesNotApply."""
        return self._some(kind, name, having)[0]

    def the(self, kind: str, name: str = "", **having: object) -> Part:
        """The only one. Raises DoesNotApply, also where there are several."""
        found = self._some(kind, name, having)
        if len(found) > 1:
            names = ", ".join(f"{part.file}:{part.name}" for part in found)
            raise DoesNotApply(f"{_asked(kind, name, having)}: is not one, but {names}")
        return found[0]

    def _some(self, kind: str, name: str, having: dict[str, object]) -> list[Part]:
        if found := self.all(kind, name, **having):
            return found
        names = ", ".join(part.name for part in self.all(kind)) or "none of this type"
        raise DoesNotApply(f"{_asked(kind, name, having)}: there is {names}")

    def nesting(self, part: Part) -> Part:
        """The nested stack that is made of a resource's template."""
        return self.the(NESTED, TemplateURL=part.file)

    def output(self, part: Part, attribute: str = "") -> Body:
        """What the root calls a resource's reference or attribute: {"Fn::GetAtt": [stack, "Outputs.X"]}."""
        wanted = part.att(attribute) if attribute else part.ref
        outputs = self.files[part.file].get("Outputs", {})
        for name, output in outputs.items():
            if output["Value"] == wanted:
                return att(self.nesting(part).name, f"Outputs.{name}")
        raise DoesNotApply(f"no output of {part.file} is {wanted}: there are {', '.join(outputs)}")

    def role(self, service: str, name: str = "") -> Part:
        """The one role that a service takes."""
        takes = [
            part
            for part in self.all("AWS::IAM::Role", name)
            if service in str(part.properties["AssumeRolePolicyDocument"])
        ]
        if len(takes) != 1:
            names = ", ".join(part.name for part in takes) or "none"
            raise DoesNotApply(f"the role that {service} takes: there is {names}")
        return takes[0]

    def add(self, beside: Part, name: str, kind: str, **properties: object) -> Part:
        """A new resource in the template of another."""
        resources = self.files[beside.file]["Resources"]
        if name in resources:
            raise DoesNotApply(f"{name}: is in {beside.file} already")
        why = {"com.aws.cloudformation.Context": {"why": "added later"}}  # as every resource here has
        resources[name] = {"Type": kind, "Metadata": why, "Properties": properties}
        return Part(beside.file, name, resources[name])

    def remove(self, *parts: Part) -> None:
        """Resources, without what refers to them."""
        for part in parts:
            del self.files[part.file]["Resources"][part.name]


def policies(part: Part) -> Iterator[Body]:
    """The policy documents in a resource's properties, but for whom a role trusts."""
    documents = [policy["PolicyDocument"] for policy in part.properties.get("Policies", ())]
    for name in ("PolicyDocument", "KeyPolicy", "ResourcePolicy"):
        documents += [part.properties[name]] if name in part.properties else []
    yield from documents


def statement(part: Part, action: str, effect: str = "Allow", sid: str = "") -> Body:
    """The first statement with an action. Raises DoesNotApply."""
    seen = []
    for document in policies(part):
        for found in document["Statement"]:
            seen += found["Action"]
            if action in found["Action"] and found["Effect"] == effect and sid in ("", found.get("Sid")):
                held: Body = found
                return held
    raise DoesNotApply(f"{part.name} {effect}s no {action}: there is {', '.join(seen)}")


def drop_statement(part: Part, action: str, effect: str = "Allow", sid: str = "") -> None:
    """Without it, and without its policy where it was the only one."""
    gone = statement(part, action, effect, sid)
    for document in policies(part):
        if gone in document["Statement"]:
            document["Statement"].remove(gone)
            if not document["Statement"]:
                raise DoesNotApply(f"{part.name}: its policy has no statement but that with {action}")
            return


def trust(part: Part) -> Body:
    """The only statement of whom a role trusts."""
    (found,) = part.properties["AssumeRolePolicyDocument"]["Statement"]
    held: Body = found
    return held


def _has(properties: Body, having: Mapping[str, object]) -> bool:
    return all(
        wanted(properties.get(name)) if callable(wanted) else properties.get(name) == wanted
        for name, wanted in having.items()
    )


def _asked(kind: str, name: str, having: Mapping[str, object]) -> str:
    said = " ".join(f"{key}={'…' if callable(value) else value}" for key, value in having.items())
    return " ".join(part for part in (kind, name, said) if part)

"""The emitted templates, and what a break makes of them.

The clean templates are written anew by the same hand as the edited ones, functions in their long form, so
that a tool meets one way of writing on both sides.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mutation.breaking import Break
from mutation.draft import NESTED, Body, DoesNotApply, Draft
from topology.yaml_template import read

VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class _Dumper(yaml.CSafeDumper):
    """Writes a value again where it stands twice, since CloudFormation takes no aliases."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


@dataclass(frozen=True)
class Clean:
    """The templates of one environment."""

    environment: str
    bodies: Mapping[str, Body]  # file name → template

    @cached_property
    def texts(self) -> Mapping[str, str]:
        return {name: text(body) for name, body in self.bodies.items()}

    @cached_property
    def _packed(self) -> str:
        """Templates are JSON by nature; copied so, ten times as fast as by copy.deepcopy."""
        return json.dumps(self.bodies)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The files that nothing nests."""
        nested = {url for body in self.bodies.values() for url in nests(body)}
        return tuple(name for name in self.bodies if name not in nested)

    def edited_by(self, broken: Break) -> dict[str, Body]:
        """The templates that a break changes, by file. Raises DoesNotApply."""
        draft = Draft(self.environment, json.loads(self._packed))
        try:
            broken.edit(draft)
        except (LookupError, ValueError, TypeError) as error:
            raise DoesNotApply(f"{broken.title} ({self.environment}): {_said(error)}") from error
        changed = {name: body for name, body in draft.files.items() if body != self.bodies[name]}
        if not changed:
            raise DoesNotApply(f"{broken.title} ({self.environment}): changes nothing")
        if missing := sorted(set(dangling(draft.files, self._concerned(changed)))):
            raise DoesNotApply(f"{broken.title} ({self.environment}): leaves {'; '.join(missing)}")
        return changed

    def broken_by(self, broken: Break) -> dict[str, str]:
        """The same as text. Raises DoesNotApply."""
        return {name: text(body) for name, body in self.edited_by(broken).items()}

    def concerned(self, changed: Mapping[str, str]) -> list[str]:
        """The changed files, and those that nest one whose parameters or outputs are others now.

        Nothing else of a nested template is seen by cfn-lint's own rules from outside.
        """
        return self._concerned({name: _plain(made) for name, made in changed.items()})

    def _concerned(self, changed: Mapping[str, Body]) -> list[str]:
        doors = {name for name, body in changed.items() if _door(body) != _door(self.bodies[name])}
        above = [name for name, body in self.bodies.items() if doors.intersection(nests(body))]
        return list(dict.fromkeys([*changed, *above]))

    def write(self, directory: Path, changed: Mapping[str, str] | None = None) -> None:
        """The whole tree, as templates/<environment> has it."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, made in {**self.texts, **(changed or {})}.items():
            (directory / name).write_text(made, encoding="utf-8")


def clean(directory: Path) -> Clean:
    """What templates/<environment> holds. Raises BadTemplate; DoesNotApply where it holds nothing."""
    files = sorted(directory.glob("*.yaml"))
    if not files:
        raise DoesNotApply(f"{directory}: holds no templates; run `make build`")
    return Clean(directory.name, {file.name: read(file)[0] for file in files})


def text(body: Body) -> str:
    return yaml.dump(body, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1 << 20)


def _door(body: Body) -> tuple[object, object]:
    return body.get("Parameters"), body.get("Outputs")


def _plain(made: str) -> Body:
    """What this module wrote: plain YAML, since functions stand in their long form."""
    found: Body = yaml.load(made, yaml.CSafeLoader)
    return found


def nests(body: Body) -> list[str]:
    """The files of a template's nested stacks."""
    stacks = (resource for resource in body["Resources"].values() if resource["Type"] == NESTED)
    return [stack["Properties"]["TemplateURL"] for stack in stacks]


def dangling(files: Mapping[str, Body], concerned: Iterable[str]) -> Iterator[str]:
    """References to what no template has: a deployment would refuse them, so they break nothing."""
    for file in concerned:
        body = files[file]
        resources = body["Resources"]
        known = {*resources, *body.get("Parameters", {})}
        stacks = {title: made for title, made in resources.items() if made["Type"] == NESTED}
        children = {title: files[stack["Properties"]["TemplateURL"]] for title, stack in stacks.items()}
        for name, attribute in _referred(body):
            if name not in known and not name.startswith("AWS::"):
                yield f"{file}: a reference to {name}, which is not there"
            elif name in children and attribute.startswith("Outputs."):
                output = attribute.removeprefix("Outputs.")
                if output not in children[name].get("Outputs", {}):
                    yield f"{file}: {name} has no output {output}"
        for title, child in children.items():
            given = stacks[title]["Properties"].get("Parameters", {})
            for name in set(given) ^ set(child.get("Parameters", {})):
                yield f"{file}: {title} is not given what it asks for: {name}"


def _referred(value: Any) -> Iterator[tuple[str, str]]:
    """The name, and the attribute where one is asked for."""
    if isinstance(value, list):
        for item in value:
            yield from _referred(item)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key == "Ref":
            yield inner, ""
        elif key == "Fn::GetAtt":
            yield inner[0], inner[1]
        elif key == "DependsOn":
            # A container's own names containers, which are no resources.
            names = [inner] if isinstance(inner, str) else inner
            yield from ((name, "") for name in names if isinstance(name, str))
        elif key == "Fn::Sub":
            made, own = inner if isinstance(inner, list) else (inner, {})
            names = (name.partition(".")[::2] for name in VARIABLE.findall(made))
            yield from ((name, attribute) for name, attribute in names if name not in own)
            yield from _referred(own)
        elif isinstance(inner, dict | list):
            yield from _referred(inner)


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, DoesNotApply) else f"{type(error).__name__}: {error}"

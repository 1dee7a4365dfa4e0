"""What a template would change, resource by resource, down through its nested stacks.

As AWS computes it: an unchanged resource's attributes are known, a new or replaced one's are
`{{changeSet:KNOWN_AFTER_APPLY}}`, and an output of a nested stack that is itself new or changing is
`{{IntrinsicFunction:<stack>/<logical id>.Outputs.<name>/Fn::GetAtt}}` for its siblings, so that they show
changes that may turn out to be none (cloudformation-coverage-roadmap #759, cfn-language-discussion #152).
AWS says it of every sibling that it evaluates; we only of those that change.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.services.cloudformation import engine, provisioners
from ministack.services.cloudformation import stacks as upstream

from local.aws.nested import children, new_child, passed_tags, provided_parameters, read_template
from local.aws.stacks import STACK, Json, by_id
from local.aws.values import add_values

UNKNOWN = "{{changeSet:KNOWN_AFTER_APPLY}}"
UNRESOLVED = ("{{changeSet:", "{{IntrinsicFunction:")


@dataclass
class Preview:
    """The changes of one stack, and the previews of its nested stacks that change, by logical id."""

    stack: Json
    template: Json
    body: str
    params: Json
    tags: list[Json]
    changes: list[Json] = field(default_factory=list)
    nested: dict[str, "Preview"] = field(default_factory=dict)
    outputs_change: bool = False
    failure: str = ""  # why AWS fails this stack's change set by itself

    @property
    def failed(self) -> bool:
        """Whether it, or one below it, fails."""
        return bool(self.failure) or any(child.failed for child in self.nested.values())

    @property
    def empty(self) -> bool:
        return not self.changes and not self.outputs_change


@dataclass(frozen=True)
class Options:
    include_nested: bool
    capabilities: list[str]
    retag: bool = False  # the stack's tags change, and with them every resource's


class _Everything(dict[str, str]):
    """Attributes of a resource that is not there yet: whichever is asked for is a placeholder."""

    def __init__(self, text: Callable[[str], str]) -> None:
        super().__init__()
        self._text = text

    def __contains__(self, attribute: object) -> bool:
        return True

    def __getitem__(self, attribute: str) -> str:
        return self._text(attribute)


def preview(wanted: Preview, options: Options) -> Preview:
    """Fill `wanted` with what differs from its stack. Raises ValueError where AWS fails a change set."""
    _Comparison(wanted, options).run()
    return wanted


class _Comparison:
    def __init__(self, found: Preview, options: Options) -> None:
        self._found = found
        self._options = options
        self._stack = found.stack
        self._old = (found.stack.get("_template") or {}).get("Resources") or {}
        self._new = found.template.get("Resources") or {}
        self._conditions = engine._evaluate_conditions(found.template, found.params)
        self._known: Json = {}  # resource records as later resources see them

    def run(self) -> None:
        order = engine._topological_sort(self._new, self._conditions)
        before = self._before()
        after: Json = {}
        for logical_id in order:
            after[logical_id] = {**self._new[logical_id], "Properties": self._properties(logical_id)}
            self._known[logical_id] = self._seen(logical_id, before.get(logical_id), after[logical_id])
        self._found.outputs_change = self._outputs() != self._old_outputs()
        self._found.changes = self._changes(before, after)

    def _properties(self, logical_id: str) -> Json:
        raw = self._new[logical_id].get("Properties") or {}
        props = self._resolve(raw, self._known, self._found.template, self._found.params, self._conditions)
        return {key: value for key, value in props.items() if value is not engine._NO_VALUE}

    def _resolve(self, node: Any, resources: Json, template: Json, params: Json, conditions: Json) -> Any:
        return engine._resolve_refs(
            copy.deepcopy(node),
            resources,
            params,
            conditions,
            template.get("Mappings") or {},
            self._stack["StackName"],
            self._stack["StackId"],
        )

    def _before(self) -> Json:
        """What the stack runs, with the values that it was deployed with; dynamic references as written."""
        before: Json = {}
        for logical_id, record in (self._stack.get("_resources") or {}).items():
            definition = self._old.get(logical_id) or {"Type": record["ResourceType"]}
            props = record.get("Properties") or {}
            if record.get("_dynamic"):
                props = self._resolve(
                    definition.get("Properties") or {},
                    self._stack["_resources"],
                    self._stack["_template"],
                    self._stack["_resolved_params"],
                    self._stack["_conditions"],
                )
            before[logical_id] = {**definition, "Properties": props}
        return before

    def _seen(self, logical_id: str, old: Json | None, new: Json) -> Json:
        """The record that later resources resolve their references against."""
        if new["Type"] == STACK:
            return self._seen_nested(logical_id, new["Properties"], new_resource=old is None)
        if old is None or _replaced(old, new):
            return {"PhysicalResourceId": UNKNOWN, "Attributes": _Everything(lambda _: UNKNOWN)}
        record: Json = self._stack["_resources"][logical_id]
        return record

    def _seen_nested(self, logical_id: str, props: Json, *, new_resource: bool) -> Json:
        record = None if new_resource else self._stack["_resources"][logical_id]
        if not self._options.include_nested:
            return record or {"PhysicalResourceId": UNKNOWN, "Attributes": _Everything(lambda _: UNKNOWN)}
        child = self._child(logical_id, record)
        body, template = read_template(props.get("TemplateURL") or "", self._options.capabilities)
        tags = passed_tags(self._stack, self._found.tags, logical_id, props)
        retag = provisioners._tag_map(tags) != provisioners._tag_map(child["Tags"])
        below = Options(
            include_nested=True,
            capabilities=self._options.capabilities,
            retag=retag,
        )
        found = Preview(child, template, body, {}, tags)
        try:
            found.params = _parameters(template, provided_parameters(props), child)
            preview(found, below)
        except ValueError as error:  # the child's change set fails by this, and its parent's by that
            found.failure = str(error)
        if record is not None and found.empty and not found.failed:
            return dict(record)
        self._found.nested[logical_id] = found
        path = f"{self._stack['StackName']}/{logical_id}"
        return {
            "PhysicalResourceId": child["StackId"],
            "Attributes": _Everything(
                lambda attribute: f"{{{{IntrinsicFunction:{path}.{attribute}/Fn::GetAtt}}}}"
            ),
        }

    def _child(self, logical_id: str, record: Json | None) -> Json:
        """The child's stack; a new one is registered for review, or taken over from an earlier change set."""
        if record is not None:
            child = by_id(record["PhysicalResourceId"])
            if child is None:
                raise ValueError(f"Stack [{record['PhysicalResourceId']}] does not exist")
            return child
        for waiting in children(self._stack, logical_id):
            if waiting["StackStatus"] == "REVIEW_IN_PROGRESS":
                return waiting
        return new_child(self._stack, logical_id, "REVIEW_IN_PROGRESS")

    def _changes(self, before: Json, after: Json) -> list[Json]:
        changed_params = {
            name
            for name, value in self._found.params.items()
            if (self._stack.get("_resolved_params") or {}).get(name, {}).get("Value") != value["Value"]
        }
        changes: list[Json] = upstream._diff_resources(
            {"Resources": before},
            {"Resources": after},
            self._stack.get("_resources"),
            {"Resources": {key: self._new[key] for key in after}},
            changed_params,
            self._stack.get("_resources") if self._options.retag else (),
        )
        kept = []
        for change in changes:
            resource = change["ResourceChange"]
            logical_id = resource["LogicalResourceId"]
            if resource["ResourceType"] == STACK and logical_id in after and self._options.include_nested:
                if logical_id not in self._found.nested:
                    continue  # its text differs, what it makes does not
                self._automatic(resource)
            add_values(resource, before.get(logical_id), after.get(logical_id))
            kept.append(change)
        listed = {change["ResourceChange"]["LogicalResourceId"] for change in kept}
        for logical_id in sorted(self._found.nested.keys() - listed):
            kept.append(self._changed_within(logical_id, before[logical_id], after[logical_id]))
        return kept

    def _changed_within(self, logical_id: str, before: Json, after: Json) -> Json:
        resource: Json = {
            "Action": "Modify",
            "LogicalResourceId": logical_id,
            "PhysicalResourceId": self._stack["_resources"][logical_id]["PhysicalResourceId"],
            "ResourceType": STACK,
            "Replacement": "False",
            "Scope": ["Properties"],
            "Details": [],
        }
        self._automatic(resource)
        add_values(resource, before, after)
        return {"ResourceChange": resource}

    def _automatic(self, resource: Json) -> None:
        child = self._found.nested[resource["LogicalResourceId"]]
        resource["PhysicalResourceId"] = child.stack["StackId"]
        if resource["Action"] == "Modify":
            resource["Replacement"] = "False"
            resource["Details"].append(
                {"Target": {"Attribute": "Properties"}, "Evaluation": "Dynamic", "ChangeSource": "Automatic"}
            )

    def _outputs(self) -> Json:
        return self._output_values(self._found.template, self._known, self._found.params, self._conditions)

    def _old_outputs(self) -> Json:
        if not self._stack.get("_resources"):
            return {}
        return self._output_values(
            self._stack["_template"],
            self._stack["_resources"],
            self._stack["_resolved_params"],
            self._stack["_conditions"],
        )

    def _output_values(self, template: Json, resources: Json, params: Json, conditions: Json) -> Json:
        return {
            name: self._resolve(output.get("Value", ""), resources, template, params, conditions)
            for name, output in (template.get("Outputs") or {}).items()
            if conditions.get(output.get("Condition"), True)
        }


def _parameters(template: Json, provided: list[Json], child: Json) -> Json:
    """The child's parameters; what is unresolved cannot be held against a pattern or a list of values."""
    open_names = {entry["Key"] for entry in provided if any(mark in entry["Value"] for mark in UNRESOLVED)}
    relaxed = {
        name: {"Type": "String", "NoEcho": definition.get("NoEcho", False)}
        if name in open_names
        else definition
        for name, definition in (template.get("Parameters") or {}).items()
    }
    unknown = {entry["Key"] for entry in provided} - relaxed.keys()
    if unknown:
        raise ValueError(f"Parameters: [{', '.join(sorted(unknown))}] do not exist in the template")
    params: Json = engine._resolve_parameters(
        {**template, "Parameters": relaxed}, provided, child.get("_resolved_params")
    )
    engine.validate_template_support(template, engine._evaluate_conditions(template, params), params=params)
    return params


def _replaced(old: Json, new: Json) -> bool:
    if old.get("Type") != new["Type"]:
        return True
    before, after = old["Properties"], new["Properties"]
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    return any(provisioners._property_recreation(new["Type"], name) == "Always" for name in changed)

"""Drift as plain text: what could not be checked, then the tree of what drifted, then what it comes to."""

from collections.abc import Iterator

from deployer import drawing
from deployer.drift import UNCHECKED, Drift, StackDrift, Status
from deployer.wrapping import wrapped


def render(found: Drift, width: int = 100) -> str:
    """At most `width` columns; what drifted and the totals come last, where nothing scrolls them away."""
    entries = [entry for each in found.stacks for entry in _entries(each)]
    lines = [drawing.cut(line, width) for line in drawing.branches(entries)]
    return "\n".join([*_unchecked(found, width), *lines, "", *wrapped(_totals(found), width)])


def _entries(each: StackDrift) -> Iterator[tuple[int, str]]:
    depth = len(each.path)
    number = len(each.drifted)
    untold = bool(each.why) or any(resource.status is Status.UNKNOWN for resource in each.resources)
    rest = "not known to be in sync" if untold else "in sync"
    state = f"{number} of {len(each.resources)} drifted" if number else rest
    yield depth, "  ".join(filter(None, (each.name, state, each.why)))
    for resource in each.resources:
        if resource.drifted or resource.status is Status.UNKNOWN:
            note = "  (tags only)" if resource.tags_only else ""
            logical_id = resource.path.rpartition("/")[2]
            text = f"{logical_id}  {resource.type}  {resource.status}{note}  {resource.reason}"
            yield depth + 1, text.rstrip()
            for difference in resource.differences:
                yield depth + 2, difference.line()


def _unchecked(found: Drift, width: int) -> Iterator[str]:
    unchecked = [
        resource for status in UNCHECKED for resource in found.resources if resource.status is status
    ]
    if unchecked:
        title = f"{len(unchecked)} not checked, since CloudFormation cannot for their types:"
        yield from wrapped(title, width)
    for kind in sorted({resource.type for resource in unchecked}):
        paths = ", ".join(resource.path for resource in unchecked if resource.type == kind)
        yield from wrapped(f"  {kind}: {paths}", width)
    if unchecked:
        yield ""


def _totals(found: Drift) -> str:
    counted = {status: [each for each in found.resources if each.status is status] for status in Status}
    tags = sum(resource.tags_only for resource in found.drifted)
    text = (
        f"{len(counted[Status.MODIFIED])} modified{f' ({tags} in tags only)' if tags else ''}, "
        f"{len(counted[Status.DELETED])} deleted, {len(counted[Status.IN_SYNC])} in sync"
    )
    if untold := len(counted[Status.UNKNOWN]):
        text += f", {untold} that CloudFormation failed to check"
    unchecked = sum(len(counted[status]) for status in UNCHECKED)
    return f"{text}, {unchecked} not checked" if unchecked else text

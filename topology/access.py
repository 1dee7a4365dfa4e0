"""docs/access.md: who may do what on which resource if what, and who reaches whom on which port.

For prod, whole; for every other environment what it has differently.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from topology import flows, grants, needs, pairing
from topology.actions import actions
from topology.calls import Call, calls
from topology.describing import BREAK, Describer
from topology.describing import need as describe
from topology.needs import BadNeeds, Need, Needs
from topology.page import Section, differences, markdown
from topology.policies import policies
from topology.reach import reach
from topology.rendering import ACCOUNT, Renderer
from topology.tree import Tree

WHOLE = "prod"
PAGE = Path("docs/access.md")
NEEDS = Path("docs/needs.yaml")
DEPLOYER = "Bootstrap/Deployer"
COLUMNS = ("action", "on", "what for", "called in")
INTRODUCTION = """\
# Access

<!-- Made by `python -m topology access` from templates/, docs/needs.yaml and deployer/. Never edit. -->

What the templates of `{whole}` allow, once every reference is followed to the resource that it means: \
`Stream/Readings` is the resource `Readings` of the nested stack `Stream`, made by \
[stacks/stream.py](../stacks/stream.py). What the other environments have differently stands at the end. \
"Needed by" names the package that makes the call, or links to where AWS says who makes it for us; \
[needs.yaml](needs.yaml) holds these reasons, and a test holds that no statement lacks one. `ACCOUNT` stands \
for the account's number.

By these templates, what is not listed is refused: IAM, key policies and security groups let nothing through \
by themselves. What the account's other policies allow beside it, and whom, is the account's to say: \
[account.md](account.md)."""


@dataclass(frozen=True)
class Site:
    """The trees of all environments, the reasons, and where the code lies."""

    trees: Mapping[str, Tree]
    needs: Needs
    root: Path


def documents(site: Site) -> dict[Path, str]:
    """Path below the root → text. Raises what reading the templates and the needs raises."""
    return {PAGE: page(site)}


def page(site: Site) -> str:
    whole = list(sections(site, WHOLE))
    lines = [INTRODUCTION.format(whole=WHOLE)]
    for section in (*whole, *deployer(site)):
        lines += markdown(section)
    for name in sorted(site.trees.keys() - {WHOLE}):
        lines += ["", f"## What {name} has differently"]
        different = list(differences(whole, list(sections(site, name)), WHOLE, name))
        for section in different:
            lines += markdown(section)
        lines += [] if different else ["", "Nothing."]
    text = "\n".join(lines) + "\n"
    return text.replace(ACCOUNT, "ACCOUNT")


def sections(site: Site, environment: str) -> Iterator[Section]:
    """All that depends on an environment's templates."""
    tree = site.trees[environment]
    renderer = Renderer(tree)
    listed = list(policies(tree, renderer))
    wanted = needs.wanted(site.needs, tree, renderer, environment)
    describer = Describer(tree, renderer, wanted, pairing.allowed(listed, renderer))
    yield from grants.sections(tree, renderer, listed, describer)
    yield from flows.sections(tree, renderer, reach(tree, renderer), listed, describer)


def deployer(site: Site) -> Iterator[Section]:
    """Its calls, each with the action that it needs, and where it stands. Raises BadNeeds, HiddenCall."""
    called = actions(calls(site.root / "deployer", site.root))
    listed = {holder: site.needs.get(holder, ()) for holder in (DEPLOYER, needs.ADMINISTRATOR)}
    known = {action for several in listed.values() for need in several for action in need.actions}
    for action in called.keys() - known:
        call = called[action][0]
        raise BadNeeds(
            f"{call.file}:{call.line}: calls {action}; say in {NEEDS} what the deployer needs it for"
        )
    yield Section(
        "The deployer's own calls",
        COLUMNS,
        tuple(_rows(listed[DEPLOYER], called)),
        "The deployer works with the credentials of whoever runs it. For its own calls they need this, which "
        f"the managed policy `{DEPLOYER}` allows, and no more. What is made, CloudFormation makes with "
        "`Bootstrap/ExecutionRole`. "
        "sts:GetCallerIdentity needs "
        "[no permission](https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).",
    )
    yield Section(
        "What only an administrator has the deployer call",
        COLUMNS,
        tuple(_rows(listed[needs.ADMINISTRATOR], called)),
        "`up`, `bootstrap`, `destroy --bootstrap` and `recover --bootstrap` are for whoever sets up the "
        "account: they also make, change and delete bootstrap's stack and what it holds, by the actions "
        "above. No policy here allows it.",
    )


def _rows(listed: Iterable[Need], called: Mapping[str, list[Call]]) -> Iterator[tuple[str, ...]]:
    for need in listed:
        made = [call for action in need.actions for call in called.get(action, ())]
        files = dict.fromkeys(f"[{call.file}](../{call.file})" for call in sorted(made))
        by = BREAK.join(files) if need.by == "deployer" else describe(need)
        on = BREAK.join(f"`{name.replace('{environment}', WHOLE)}`" for name in need.resources)
        yield BREAK.join(need.actions), on, need.why, by

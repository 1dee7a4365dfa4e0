"""Rules that judge resources against each other, over whole trees of nested templates.

How cfn-lint comes in: `entrance.py`. What rules stand on: `seam/`. The rules: `families/`, where a module or
a package is a family, and whatever it declares with `rule` is found without being listed anywhere.

How to write one
----------------
A rule is a function over a `Site` that yields a `Finding` for each place that breaks it:

    @rule(
        "E9501",
        cause="container {container} can write to its own root file system",
        remedy="set ReadonlyRootFilesystem: true, and mount a volume where it must write",
        sources=("https://docs.aws.amazon.com/…",),
    )
    def a_container_that_writes_to_its_root(site: Site) -> Iterator[Finding]:
        for task in site.all("AWS::ECS::TaskDefinition"):
            …
            yield found(task, "ContainerDefinitions", position, container=name)

- Ids: E9nnn for what is wrong, W9nnn for what is doubtful; reach 91nn, grants 92nn, secrets 93nn,
  durability 94nn, containers 95nn, signals 96nn, ingest 97nn. The function's name, in words, is what cfn-lint
  lists. Cause and remedy are each one line, without a full stop, printed as `cause; remedy`; names in braces
  are filled from the finding's parts, the same braces become italics in docs/rules.md. A literal brace is
  written twice.
- `demanding=True` marks a rule that asks for what a plant in operation should have (an alarm on each store,
  a circuit breaker, dropped capabilities), and not for what must be so to work or to be safe: it is silent
  in a tree that does not say which environment it is, such as a sample or a library's module.
- `by_default=True` marks a rule about what a deployment may choose (storage without encryption): it is silent
  where only a parameter with another value than its default leads to what it sees.
- `found(resource, *path, **parts)` places a finding at a property, and at what stands around it where the
  property is missing. `Finding(resource, ("DeletionPolicy",), {…})` places it beside `Properties`, and
  `Finding(site.tree.root, ("Resources",), {…})` where no one resource is at fault. Name resources in the
  parts by giving them whole: a resource prints as its address.
- A `Site` has no conditions left: each consistent way to decide them is judged as a site of its own, and the
  same finding of several is told once. So a rule never meets `Fn::If`, or a resource that is not there.
- `site.get(resource, "A", 0, "B")` is resolved through parameters, outputs and functions: a literal, a
  `Reference` to a resource, a `Text` of such, a `Given` (a deployment decides), an `Unknown` (nobody can
  follow it), None (left out). Scalars keep the template's type, so compare numbers and booleans as text where
  it may be quoted. **Never conclude from what is not known:** ask `known(value)` before calling something
  wrong, look whether a list or policy has an `Unknown` in it (`site.unread_policies`) before saying that
  something is missing, and say nothing otherwise.
- `site.target(value, kind…)` is the resource that a value refers to; `site.uses(resource, kind…)` is what
  refers to it, through any wiring; `site.named(kind, property, name)` finds by a fixed name;
  `site.items(…)` is a list even where one value stands alone; `site.policies` are all policy documents
  (topology/policies.py), `site.reach` groups, rules and routes (topology/reach.py), `site.durable(resource)`
  whether its environment demands durability (None: nothing says so).
- Resources are frozen, hashable and equal by address, within one site. Keep nothing between sites.
- A rule that raises is broken: cfn-lint makes E0002 of it, and the build stops with exit code 3.
- cfn-lint imports these modules a second time under bare names. So no relative import, no quoted annotation
  in a dataclass (none is found under the bare name), nothing at the top that must happen once, and no
  module at the top of rules/ beside the entrance.
- Tests: `tests/unit/rules/test_<family>.py` with the fixture `say` (conftest.py there): templates written
  inline, the ids that they raise, with file and line. A passing and a failing case for each rule.
- Afterwards `python -m rules` writes docs/rules.md.
"""

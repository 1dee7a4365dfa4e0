"""Breaks of the emitted templates, one at a time, and who sees them: what the rules are measured by.

A break is one edit that still looks deployable and breaks the system, its security, its durability or its
operation in AWS. How to write one, in any module under mutation/breaks (a module or a package there is a
family; nothing lists them):

    @broken(why="what goes wrong in AWS", source="https://docs.aws.amazon.com/…")
    def the_public_route_leads_nowhere(draft: Draft) -> None:
        draft.remove(draft.first("AWS::EC2::Route", GatewayId=is_there))

- The function's name, in words, is the break's.
- Edit plain dicts and lists, so that what is not there raises; find them by type, properties and wiring.
  An edit that changes nothing, or leaves a reference to what is gone, is refused: it would measure nothing.
- Write it from what AWS does, not from what the rules say: else the rules are measured by themselves.
- `only=("prod",)` where it breaks nothing in the other environment; `survives="…"` where no rule can or
  should see it, and why. A survivor without an explanation fails the run, and so does an explanation of what
  is seen after all.
"""

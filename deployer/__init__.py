"""The deployer, from a command to CloudFormation and back. Data flows down a stage, and down the stages.

commands/        arguments in, text and an exit code out; only progress prints beside them
deployment       puts one environment together: whose work each command is
target           an environment of an account; clients, credentials, account, region, clock below it

plan             sources → request → changeset → plan, and nothing of a stack has changed
  sources        what a change set is made of: artefacts, templates, ssm_values, secret_parameters,
                 rollback_alarms, functions, bootstrap's foundation; request asks for it
  planner        makes, finds, withdraws one; seal binds it to what it was made of; leftovers removes old ones
  changeset      waits for it, reads it: described, told, masking, findings; noise marks what is not certain
  changes        its values: plan judges them by verdict (lossy, limits, holding), access_changes (policies),
                 security_groups (twins)
  to be read     plan_text, plan_document, markdown; drawing, difference, later
apply            executor: acceptance (naming), seal, then stack_policy, execution, and stack_policy again
  to be read     apply_document, by the course that it took
follow           operation: events → viewer; patience, interrupt and refusal say when to stop looking
  to be seen     progress draws board, by estimate and causes
  of others      attachment finds what runs, by cutting; waiting, cancellation, ending
diagnose         diagnosis: failures → causes, origins, evidence/; function_log
stand            stack and states; standing, outputs, drift (drift_text, drift_document)
life             up: bootstrapping, preconditions, images/, first_rotation, steadiness
                 recovering: recovery, remnants; destruction: removal, contents, orphans

documents is what --json prints; wrapping and encoding make text fit a terminal; errors has the tree of
every error; paths, where the project's files lie.
No module imports itself by way of others; tests/unit/deployer/test_map.py holds that, and this map.
"""

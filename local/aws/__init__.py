"""An AWS account in a child process: ministack, and what `local/` adds to it.

`EmbeddedAws` starts, awaits and stops it. All that is patched into ministack is listed in `additions.py`,
one noun a file. An addition that upstream has caught up with shows itself: `register` and `replace` refuse
to put it in, and tests/unit/local/aws/test_upstream.py holds what ministack alone still gets wrong.

Enforced: IAM capabilities; the policies of whoever calls with a role's credentials, which a deployed
function does and a process started with `task_environment`; the account's own key may do everything.
Real: change sets, stacks, the stream's records, secrets, the rotation function's process.
Simulated: ECS counts tasks that nobody starts; RDS and ElastiCache name servers that others run; alarms
over metric math, budgets and event subscriptions are kept and never evaluated; nothing scales. The rest of
what is unlike AWS, stack operations above all, is listed in docs/decisions/embedded-aws.md.
Injected: faults, delays and refused requests, by `EmbeddedAws.inject` and by nothing else; a stream's records
get older than they are by `EmbeddedAws.age`; Secrets Manager's clock goes on by `EmbeddedAws.put_forward`.
Told: which role asked for what, by `EmbeddedAws.asked`.
Kept in a `state` directory at every orderly end, that of a killed parent included. A killed child loses
what it has not written. The endpoints are part of what is kept: start again with the same ones.
"""

from local.aws.embedded import CacheServer, DatabaseServer, EmbeddedAws, EmbeddedAwsError, PortInUse
from local.aws.faults import Fault
from local.aws.refusals import Refusal

__all__ = [
    "CacheServer",
    "DatabaseServer",
    "EmbeddedAws",
    "EmbeddedAwsError",
    "Fault",
    "PortInUse",
    "Refusal",
]

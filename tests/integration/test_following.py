"""Operations that take their time, are cancelled or lose their connection, on the embedded AWS."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deployer import attachment, cancellation, progress, waiting
from deployer.deployment import Deployment
from deployer.errors import Busy, Cancelled
from deployer.events import Silence
from deployer.plan import Plan
from local.aws import EmbeddedAws
from local.aws.faults import Fault
from local.aws.refusals import Refusal
from tests.integration.deployments import INNER, Deploys, deployed

SLOW = Fault(logical_id="Queue", action="update", seconds=2.0)
EXPIRED = Refusal("DescribeStacks", "ExpiredToken", "The security token is expired", 403, times=2)


@pytest.fixture
def deployment(deploys: Deploys, small: Path) -> Deployment:
    made = deploys(small)
    deployed(made)
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))
    return made


@contextmanager
def applying(deployment: Deployment, plan: Plan, failures: list[Exception]) -> Iterator[None]:
    """Elsewhere, until it has ended; in this block it runs."""

    def apply() -> None:
        try:
            deployment.apply(plan, Silence())
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=apply)
    thread.start()
    while attachment.running(deployment.target) is None and thread.is_alive():
        time.sleep(0.02)
    try:
        yield
    finally:
        thread.join(60)


def test_an_update_of_another_deployer_is_cancelled_and_both_learn_it(
    own_aws: EmbeddedAws, deploys: Deploys, deployment: Deployment, small: Path
) -> None:
    plan, ours = deployment.plan(), deploys(small)
    own_aws.inject(SLOW)
    failures: list[Exception] = []

    with applying(deployment, plan, failures):
        update = cancellation.cancellable(ours.target)
        status = cancellation.cancel(ours.target, update, Silence())

    assert (update.token, status) == (plan.token, "UPDATE_ROLLBACK_COMPLETE")
    assert [type(failure) for failure in failures] == [Cancelled]
    with pytest.raises(Cancelled):
        attachment.follow(ours.target, attachment.find(ours.target), Silence())


def test_in_progress_of_someone_else_is_refused_or_waited_for(
    own_aws: EmbeddedAws, deploys: Deploys, deployment: Deployment, small: Path
) -> None:
    plan, ours = deployment.plan(), deploys(small)
    own_aws.inject(SLOW)
    failures: list[Exception] = []

    with applying(deployment, plan, failures):
        with pytest.raises(Busy, match=plan.token):
            waiting.settle(ours.target, ours.stack_name, False, Silence())
        waiting.settle(ours.target, ours.stack_name, True, Silence())

    assert failures == []
    assert ours.plan().is_empty


def test_a_token_that_expires_on_the_way_does_not_end_it(
    own_aws: EmbeddedAws, deployment: Deployment
) -> None:
    plan, screen = deployment.plan(), io.StringIO()

    class Expiring(progress.Lines):
        def begins(self, ago: float) -> None:
            own_aws.inject(SLOW, EXPIRED)

    deployment.apply(plan, Expiring(screen))

    assert "AWS refuses the credentials: renew them (aws sso login); waiting until " in screen.getvalue()
    assert "UPDATE_COMPLETE" in screen.getvalue().splitlines()[-1]

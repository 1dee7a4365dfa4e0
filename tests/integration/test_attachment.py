"""One deployer begins, another attaches: the embedded AWS stands between them."""

import threading
from pathlib import Path

import pytest

from deployer import attachment, commands
from deployer.acceptance import accept
from deployer.errors import DeploymentFailed
from deployer.events import Progress, Silence
from tests.integration.deployments import BROKEN, INNER, Deploys, deployed


def test_an_operation_that_another_deployer_began_is_attached_to(
    deploys: Deploys, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs, ours = deploys(small), deploys(small)
    deployed(theirs)
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))
    plan = theirs.plan()
    begun = threading.Event()

    def note(event: Progress, /) -> None:
        begun.set()

    thread = threading.Thread(target=theirs.apply, args=(plan, note))
    thread.start()
    assert begun.wait(60)
    found = attachment.find(ours.target)
    seen: list[Progress] = []
    status = attachment.follow(ours.target, found, seen.append)
    thread.join(60)

    assert (status, found.token, found.kind) == ("UPDATE_COMPLETE", plan.token, attachment.Kind.UPDATE)
    assert "Outer/Inner/Queue" in {event.path for event in seen}
    assert seen[0].status == "UPDATE_IN_PROGRESS"
    assert attachment.running(ours.target) is None
    assert commands.main(["attach", "dev"]) == 0
    assert commands.main(["cancel", "dev", "--yes"]) == 1
    out, err = capsys.readouterr()
    assert out.startswith(f"millrace-dev: nothing runs; UPDATE {plan.token}, begun ")
    assert "millrace-dev is UPDATE_COMPLETE and cannot be cancelled: nothing runs" in err


def test_an_operation_that_failed_is_found_again_by_its_token_after_another(
    deploys: Deploys, small: Path
) -> None:
    deployment = deploys(small)
    deployed(deployment)
    (small / "inner.yaml").write_text(BROKEN)
    broken = deployment.plan()
    with pytest.raises(DeploymentFailed):
        deployment.apply(broken, Silence(), accepted=accept(broken, ["Queue"]))
    (small / "inner.yaml").write_text(INNER.replace("DelaySeconds: 1", "DelaySeconds: 2"))
    deployment.apply(deployment.plan(), Silence())

    found = attachment.find(deployment.target, broken.token)

    assert found.status == "UPDATE_ROLLBACK_COMPLETE"
    with pytest.raises(DeploymentFailed, match=r"first cause: Outer/Inner/Grant .*nobody cannot be found"):
        attachment.follow(deployment.target, found, Silence())

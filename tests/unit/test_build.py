"""build.py from the command line: what it prints, writes, refuses and leaves alone."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

import build
from parameters import schema, settings
from parameters.network import Nat
from stacks import boundary, deployer_policy, deployment_roles, execution, handlers, lint, scopes
from stacks.emission import MADE_HERE
from topology import needs

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def copied_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of parameters/*.yaml that a test may spoil."""
    directory = tmp_path / "parameters"
    directory.mkdir()
    for file in settings.DIRECTORY.glob("*.yaml"):
        shutil.copy(file, directory)
    monkeypatch.setattr(build, "load", lambda name: settings.load(name, directory))
    return directory


def emit(out: Path, *arguments: str) -> int:
    return build.main(["--out", str(out), "--no-lint", *arguments])


def snapshot(directory: Path) -> dict[str, bytes]:
    """The templates, without the lines of Python that lie beside them."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*.yaml")}


def test_every_environment_is_emitted_with_a_line_per_stack(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert emit(out) == 0

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [
        f"{environment}/{stack}"
        for environment in ("dev", "prod")
        for stack in (
            "keys",
            "alerts",
            "network",
            "stream",
            "ingest",
            "database",
            "cache",
            "rotation",
            "processor",
            "observability",
            "platform",
            "bootstrap",
        )
    ]
    assert len({line.index(" resources") for line in lines}) == 1
    assert {f"{line.split()[0]}.yaml" for line in lines} == set(snapshot(out))


def test_one_environment_alone_leaves_the_other(out: Path) -> None:
    emit(out)
    (out / "prod" / "keys.yaml").write_text("mine")

    assert emit(out, "--env", "dev") == 0

    assert (out / "prod" / "keys.yaml").read_text() == "mine"


def test_the_template_of_a_stack_that_is_no_more_goes(out: Path) -> None:
    emit(out)
    forgotten, foreign = out / "dev" / "forgotten.yaml", out / "dev" / "foreign.yaml"
    forgotten.write_text(f"{MADE_HERE} stacks/forgotten.py")
    foreign.write_text("mine")

    emit(out)

    assert not forgotten.exists()
    assert foreign.read_text() == "mine"
    assert not list(out.glob(".build-*"))


def test_check_passes_where_nothing_changed_and_writes_nothing(out: Path) -> None:
    emit(out)
    before = snapshot(out)
    assert emit(out, "--check") == 0
    assert snapshot(out) == before


def test_check_names_a_schema_that_is_not_what_the_settings_say_and_leaves_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = schema.FILE.read_bytes()
    monkeypatch.setattr(schema, "printed", lambda: "{}\n")

    assert build.main(["--check", "--no-lint"]) == 1

    assert "parameters/schema.json is stale" in capsys.readouterr().out
    assert schema.FILE.read_bytes() == before


def test_check_names_what_is_stale_shows_where_and_leaves_it(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emit(out)
    stale = out / "dev" / "stream.yaml"
    stale.write_text(stale.read_text().replace("RetentionPeriodHours: 24", "RetentionPeriodHours: 48"))
    (out / "dev" / "keys.yaml").unlink()
    (out / "prod" / "forgotten.yaml").write_text(f"{MADE_HERE} stacks/forgotten.py")
    before = snapshot(out)
    capsys.readouterr()

    assert emit(out, "--check") == 1

    printed = capsys.readouterr().out
    assert "dev/stream.yaml is stale" in printed
    assert "-      RetentionPeriodHours: 48\n+      RetentionPeriodHours: 24\n" in printed
    assert "dev/keys.yaml is missing" in printed
    assert "prod/forgotten.yaml belongs to no stack" in printed
    assert "run `python build.py`" in printed
    assert snapshot(out) == before


def test_the_committed_templates_are_what_the_sources_say(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check", "--no-lint"]) == 0, capsys.readouterr().out


def test_both_environments_are_clean(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.main(["--check"]) == 0, capsys.readouterr().out
    assert capsys.readouterr().out.endswith("\n0 findings\n")


@pytest.mark.parametrize(
    "change",
    [
        ("dev", "shards: 2", "shards: many", "stream.shards is 'many'"),
        ("dev", "rotation_days: 365", "rotation_days: 5000", "keys.rotation_days is 5000"),
        ("prod", "nat: per-az", "nat: perhaps", "network.nat is 'perhaps'"),
        ("prod", "termination_protection: true", "", "termination_protection"),
        ("dev", "alerts:", "alarms:", "alarms"),
    ],
)
def test_a_wrong_parameter_is_one_line_and_nothing_is_written(
    out: Path,
    copied_parameters: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str, str, str],
) -> None:
    file, old, new, says = change
    path = copied_parameters / f"{file}.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))

    with pytest.raises(SystemExit, match="2"):
        emit(out)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build.py: ")
    assert f"{file}.yaml" in line
    assert says in line
    assert not out.exists()


def test_a_bootstrap_that_begins_too_long_for_its_request_is_refused_and_nothing_is_written(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stacks.quotas.REQUEST_BYTES", 5_000)

    with pytest.raises(SystemExit, match="2"):
        emit(out)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build.py: bootstrap: ")
    assert "bytes in a request are more than 80% of CloudFormation's 5000 (4000)" in line
    assert not out.exists()


BUDGET = "AWS::Budgets::Budget"
BEYOND = (("budgets:Unheard",), "https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (
            lambda patch: patch.setattr("troposphere.budgets.Budget.resource_type", "AWS::Budgets::Unheard"),
            "AWS::Budgets::Unheard: no schema names its handlers' permissions; say in stacks/handlers.py",
        ),
        (
            lambda patch: patch.delitem(scopes.OWN, ("budgets", "budget")),
            "(budget, budgetAction) is in stacks/scopes.py; say there which are ours",
        ),
        (
            lambda patch: patch.setitem(handlers.BEYOND, BUDGET, BEYOND),
            "budgets:Unheard: IAM has no such action; leave it out in stacks/handlers.py (NEVER)",
        ),
        (
            lambda patch: patch.delitem(execution.LINKED, "AWS::ECS::Cluster"),
            "AWS::ECS::Cluster: makes a role for a service; say in stacks/execution.py (LINKED) for which",
        ),
        (
            lambda patch: patch.setattr(deployment_roles, "GROUPS", {}),
            "application-autoscaling: is in no policy of the execution role; put it into one in",
        ),
        (
            lambda patch: patch.setattr(deployment_roles, "POLICY_LETTERS", 1_000),
            "of which IAM takes 1000; give a service of it a policy of its own in stacks/deployment_roles.py",
        ),
        (
            lambda patch: patch.delitem(boundary.OF_AWS, "AmazonRDSEnhancedMonitoringRole"),
            "takes AmazonRDSEnhancedMonitoringRole; say in stacks/boundary.py (OF_AWS) what that allows",
        ),
        (
            lambda patch: patch.setattr(deployer_policy, "HERE", "Elsewhere/"),
            "docs/needs.yaml: Bootstrap/Deployer needs Bootstrap/Images, which bootstrap does not make; ",
        ),
        (
            lambda patch: patch.setattr(
                deployer_policy, "_needs", lambda: needs.load(Path("docs/nowhere.yaml"))
            ),
            "docs/nowhere.yaml: ",
        ),
    ],
)
def test_what_no_role_can_be_derived_for_is_one_line_and_nothing_is_written(
    out: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[pytest.MonkeyPatch], None],
    says: str,
) -> None:
    spoil(monkeypatch)

    with pytest.raises(SystemExit, match="2"):
        emit(out)

    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("build.py: ")
    assert says in line
    assert not out.exists()


def test_an_unknown_environment_is_one_line_that_names_the_known(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        emit(out, "--env", "staging")
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("there is no environment 'staging'; there are: dev, prod")
    assert not out.exists()


def test_a_place_that_cannot_be_written_is_one_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out.write_text("a file where a directory should be")
    with pytest.raises(SystemExit, match="2"):
        emit(out)
    assert capsys.readouterr().err == f"build.py: cannot write {out}: File exists\n"


@pytest.mark.parametrize(
    ("nat", "private"), [(Nat.NONE, True), (Nat.ONE, True), (Nat.ONE, False), (Nat.PER_AZ, False)]
)
def test_every_shape_of_the_network_is_clean(out: Path, nat: Nat, private: bool) -> None:
    """prod as committed knows one shape; the others must be there when somebody turns the parameter."""
    prod = settings.load("prod")
    network = msgspec.structs.replace(prod.network, nat=nat, interface_endpoints=private)
    emitted = build.synthesise(msgspec.structs.replace(prod, network=network))
    build.write(emitted, out)
    changed = [out / "prod" / name for name in ("network.yaml", "platform.yaml")]
    assert lint.lint(changed, cache=None) == []


def test_findings_fail_the_build(capsys: pytest.CaptureFixture[str]) -> None:
    assert build.report([lint.Finding("dev/keys.yaml", 3, "E3002", "is wrong")]) == 1
    assert capsys.readouterr().out == "dev/keys.yaml:3: E3002 is wrong\n1 finding\n"


def test_a_finding_names_the_python_that_made_its_resource(capsys: pytest.CaptureFixture[str]) -> None:
    emitted = build.synthesise(settings.load("dev"))
    found = [
        lint.Finding("dev/processor.yaml", 3, "E9501", "is wrong", "Task"),
        lint.Finding("dev/platform.yaml", 3, "E9501", "is wrong", "Processor"),
        lint.Finding("dev/platform.yaml", 3, "E9501", "is wrong", "Nobody"),
    ]

    assert build.report(found, emitted) == 1

    task, nested, nobody, _ = capsys.readouterr().out.splitlines()
    for line, module, made in ((task, "processor", "ecs.TaskDefinition("), (nested, "platform", "nest(")):
        place = re.search(rf"is wrong \[stacks/{module}\.py:(\d+)\]$", line)
        assert place, line
        source = (build.HERE / "stacks" / f"{module}.py").read_text().splitlines()
        assert made in "".join(source[int(place[1]) - 1 : int(place[1]) + 2]), line
    assert nobody.endswith("is wrong")


def test_a_rule_that_crashes_is_no_finding(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash(*_: object, **__: object) -> list[lint.Finding]:
        raise lint.LintFailed("dev/keys.yaml: rule E9001 failed")

    monkeypatch.setattr(lint, "lint", crash)
    with pytest.raises(SystemExit) as stopped:
        build.main(["--out", str(out), "--env", "dev"])
    assert stopped.value.code == 3
    assert capsys.readouterr().err == "build.py: dev/keys.yaml: rule E9001 failed\n"


def test_without_linting_no_linter_is_loaded(out: Path) -> None:
    program = (
        "import sys, build; code = build.main(sys.argv[1:]); "
        "assert 'cfnlint' not in sys.modules and code == 0, sorted(sys.modules)"
    )
    arguments = [sys.executable, "-c", program, "--no-lint", "--env", "dev", "--out", str(out)]
    subprocess.run(arguments, cwd=REPOSITORY, check=True, capture_output=True)


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_bytes_do_not_depend_on_the_process(out: Path, seed: str) -> None:
    arguments = [sys.executable, str(REPOSITORY / "build.py"), "--no-lint", "--out", str(out)]
    elsewhere = {"PYTHONHASHSEED": seed, "TZ": "Asia/Tokyo", "LC_ALL": "C", "USER": "somebody"}

    subprocess.run(
        arguments, cwd=out.parent, env={**os.environ, **elsewhere}, check=True, capture_output=True
    )

    assert snapshot(out) == snapshot(REPOSITORY / "templates")


def test_a_wrong_argument_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        build.main(["--nope"])

    (line,) = capsys.readouterr().err.splitlines()
    assert line == "build.py: unrecognized arguments: --nope (--help shows what there is)"


def test_the_runbook_is_made_with_the_templates_of_every_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "runbook.md"
    monkeypatch.setattr(build, "TEMPLATES", tmp_path / "templates")
    monkeypatch.setattr(build, "RUNBOOK", page)

    assert build.main(["--no-lint", "--env", "dev"]) == 0
    assert not page.exists(), "one environment's alarms are not all"
    assert build.main(["--no-lint"]) == 0
    assert page.read_text(encoding="utf-8").startswith("# Runbook\n")
    assert build.main(["--no-lint", "--check"]) == 0

    page.write_text("# Runbook\n", encoding="utf-8")
    capsys.readouterr()
    assert build.main(["--no-lint", "--check"]) == 1
    assert "docs/runbook.md is stale" in capsys.readouterr().out
    page.unlink()
    assert build.main(["--no-lint", "--check"]) == 1


def test_each_resources_line_of_python_is_left_beside_the_templates(out: Path) -> None:
    emit(out, "--env", "dev")

    made = msgspec.json.decode((out / "origins" / "dev.json").read_bytes())
    template = (out / "dev" / "database.yaml").read_bytes()
    assert made["database.yaml"]["digest"] == hashlib.sha256(template).hexdigest()
    file, _, line = made["database.yaml"]["lines"]["Database"].partition(":")
    assert file == "stacks/database.py"
    assert "template.add_resource(" in (REPOSITORY / file).read_text().splitlines()[int(line) - 1]


def test_of_the_committed_templates_they_lie_in_build_also_after_a_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "HERE", tmp_path)

    assert build.main(["--check", "--no-lint", "--env", "prod"]) == 0
    assert [file.name for file in (tmp_path / "build" / "origins").iterdir()] == ["prod.json"]

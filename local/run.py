"""One run, from the recording's first check to the audit's last line."""

import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from deployer.plan import Kind, Plan
from local import platform, servers, state, watching
from local.arguments import Options
from local.directory import RunDirectory
from local.drill import drill
from local.engine import home, service
from local.engine.home import Home
from local.migration import injected, migrate
from local.platform import Platform, Task
from local.processor import Processor
from local.progress import taken
from local.recording import Recording, open_recording
from local.rehearsal import Rehearsal, rehearse
from local.report import Report, of_rehearsal, report, write
from local.screen import Screen, summary
from local.servers import Servers
from local.streaming import Streaming
from parameters.settings import load

ENVIRONMENT = "dev"


def run(options: Options, screen: Screen, began: float, publish: Callable[[str], object]) -> Report:
    """Build, deploy, rotate, stream, audit, rehearse a second deployment.

    began: time.monotonic() when the program started. publish: takes each line of the result. Whatever is
    started is stopped again, in the opposite order, however this ends. Raises LocalError, DeployerError,
    EmbeddedAwsError, ParameterError.
    """
    recording, engine = _recording(options), home.installed() if options.engine else None
    environment = load(ENVIRONMENT)
    servers.check_ports(options.ports)
    with ExitStack() as stack:
        directory = stack.enter_context(RunDirectory(options.state))
        if directory.kept:
            state.check(directory.path)
        ports = directory.ports(options.ports)
        servers.check_ports(ports, directory)
        screen.say(f"millrace: environment {ENVIRONMENT} on this machine")
        if recording is not None:
            _describe(recording, screen)

        with screen.phase("templates built and linted"):
            emitted = platform.build(environment, directory.part("templates"))
        with screen.phase("PostgreSQL, Redis and the embedded AWS started"):
            user = servers.cache_user(emitted)
            below = stack.enter_context(servers.started(directory, ports, environment, user))
        session = below.session(environment)
        deployed = Platform(environment, session, emitted)
        with screen.phase("artefacts uploaded and the change set made"):
            plan = deployed.plan()
        screen.plan(plan)
        with screen.phase("stacks deployed", moving=True), screen.stacks() as listener:
            deployed.apply(plan, listener)
        outputs, size = deployed.outputs(), deployed.size()
        with screen.phase("credentials rotated by the deployed function"):
            rotation = deployed.rotate(
                outputs["DbSecretArn"], due=plan.kind is Kind.CREATE, log=directory.path / "aws.log"
            )
        with screen.phase("processor started as the deployed task says"):
            task = deployed.task(outputs["EcsClusterName"], outputs["EcsServiceName"])
            processor = stack.enter_context(
                _processor(task, below, directory, engine, plant=recording is None)
            )
        streaming = stack.enter_context(
            closing(Streaming(below, outputs["KinesisStreamName"], options, recording))
        )
        with screen.phase("readings streamed and committed", moving=True):
            streaming.flow(session.client("kinesis"), processor, screen)
        if streaming.first_stored is not None:
            screen.say(f"  first reading committed {streaming.first_stored - began:.1f} s after the start")
        with screen.phase("audited, reading by reading"):
            audit, watched = streaming.audit(), streaming.watched()
        if audit.lost:
            screen.say(f"  the end of the processor's log:\n{processor.tail()}")

        seconds = time.monotonic() - began
        made = report(audit, plan, size, seconds, watched, rotated=rotation.at is not None)
        for line in [*summary(audit, _facts(made, plan, processor)), *watched.lines()]:
            publish(line)
        if options.drill:
            _drill(
                processor,
                below,
                outputs["KinesisStreamName"],
                options=options,
                screen=screen,
                directory=directory,
                to=publish,
            )
        if options.rehearsal:
            rehearsed = _rehearsal(deployed, below, directory, screen)
            made.rehearsal = of_rehearsal(rehearsed)
            for line in rehearsed.lines():
                publish(f"  {line}")
        _end(made, options, below, screen)
        return made


def _recording(options: Options) -> Recording | None:
    """Checked whole before anything is started."""
    if options.replay is None:
        return None
    return open_recording(options.replay.file, options.replay.device, options.replay.zone)


def _describe(recording: Recording, screen: Screen) -> None:
    """Where each column goes."""
    screen.say(f"  {recording.file}: {recording.rows:,} rows, {recording.readings:,} readings")
    for header, metric in recording.mapping():
        screen.say(f"    column {header!r} is {recording.device}/{metric}")


def _processor(
    task: Task, below: Servers, directory: RunDirectory, engine: Home | None, *, plant: bool
) -> Processor:
    """The deployed task, held to its roles, its migrations first; with the engine in it, if it is given.

    plant: a rule watches it, added before anybody reads.

    Only where AWS is and whom to trust differ on one machine; and without the engine, that the processor
    reads the stream by itself.
    """
    ca_file = str(below.ca_file)
    here = {"DATABASE_CA_FILE": ca_file, "CACHE_CA_FILE": ca_file}
    log = directory.path / "processor.log"
    secrets = injected(task.secrets, below.aws.task_environment(task.execution_role_arn))
    migrate({**task.migration, **secrets, **here}, log)
    since = time.time()

    def at_work() -> bool:
        with below.database() as connection:
            return taken(connection, task.environment["STREAM_NAME"], since)

    environment = {**task.environment, **below.aws.task_environment(task.role_arn), **here}
    if plant:
        _watch(below, {**environment, "SOURCE": "poll"}, log)
    if engine is None:
        return Processor({**environment, "SOURCE": "poll"}, log, at_work)
    environment = service.engine_environment(environment, directory.path)
    return Processor(
        environment,
        log,
        at_work,
        program=service.program(engine, environment, directory.path),
        answers=False,
        ready_seconds=service.READY_SECONDS,
    )


def _watch(below: Servers, environment: Mapping[str, str], log: Path) -> None:
    with below.database() as connection:
        added = watching.there(connection)
    if not added:
        watching.add_rule(environment, log)


def _drill(
    processor: Processor,
    below: Servers,
    stream: str,
    *,
    options: Options,
    screen: Screen,
    directory: RunDirectory,
    to: Callable[[str], object],
) -> None:
    client, log = below.session(load(ENVIRONMENT)).client("kinesis"), directory.path / "processor.log"
    with screen.phase("a restore and an outage drilled", moving=True):
        drilled = drill(processor, below, stream, client, options=options, log=log, screen=screen)
    for line in drilled.lines():
        to(f"  {line}")


def _rehearsal(deployed: Platform, below: Servers, directory: RunDirectory, screen: Screen) -> Rehearsal:
    """On copies of this run's templates, which go again."""
    with (
        screen.phase("a second deployment rehearsed"),
        tempfile.TemporaryDirectory(prefix="rehearsal-", dir=directory.path) as scratch,
    ):
        return rehearse(deployed, Path(scratch), below.aws.inject)


def _facts(made: Report, plan: Plan, processor: Processor) -> dict[str, str]:
    """What the run says of itself beside the readings."""
    counts = plan.counts
    return {
        "stacks": f"{made.stacks} with {made.resources} resources; this run's plan: {counts.add} added, "
        f"{counts.modify} modified, {counts.remove} removed",
        "rotation": "the credentials were rotated by the deployed function",
        "processor": f"restarted {processor.restarts} times" if processor.restarts else "ran through",
        "seconds": f"{made.seconds:.1f}",
        "alarms": f"{made.alarms.raised} raised, {made.alarms.cleared} of them cleared; "
        f"{made.alarms.told} messages told of them",
    }


def _end(made: Report, options: Options, below: Servers, screen: Screen) -> None:
    if options.json is not None:
        write(made, options.json)
    if options.keep:
        _stay(below, screen)


def _stay(below: Servers, screen: Screen) -> None:
    """Until Ctrl-C, which then is the ordinary end."""
    screen.say("  everything stays up until Ctrl-C:")
    screen.say(f"    AWS         AWS_ENDPOINT_URL={below.aws.endpoint_url}")
    screen.say(f"    PostgreSQL  localhost:{below.postgres_port}, TLS by {below.ca_file}")
    screen.say(f"    Redis       localhost:{below.redis_port}, user {below.redis.user}, the same TLS,")
    screen.say(f"                password {below.gate.operator} of whoever runs this; programs bring a token")
    signal.pause()

"""Queues for what failed keep it until somebody has read it, and take what is sent to them."""

from collections.abc import Iterator

from rules.families.durability.upkeep import QUEUE, dead_letters, declared, exported, flag, number, off, word
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
RETENTION = f"{SQS}setting-up-dead-letter-queue-retention.html"
DEAD = f"{SQS}sqs-dead-letter-queues.html"
SHORTEST, LONGEST, DEFAULT = 60, 1_209_600, 345_600  # seconds
DAY = 86_400
MOST_ATTEMPTS = 1000


def _kept(site: Site, queue: Resource) -> int | None:
    written = site.get(queue, "MessageRetentionPeriod")
    return DEFAULT if written is None else number(written)


@rule(
    "E9490",
    cause="queue {queue} is to keep messages for {seconds} s, and SQS takes 60 to 1209600",
    remedy="set MessageRetentionPeriod from 60 to 1209600 seconds",
    sources=(
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html",
    ),
)
def a_retention_that_sqs_refuses(site: Site) -> Iterator[Finding]:
    for queue in site.all(QUEUE):
        seconds = _kept(site, queue)
        if seconds is not None and not SHORTEST <= seconds <= LONGEST:
            yield found(queue, "MessageRetentionPeriod", queue=queue, seconds=seconds)


@rule(
    "E9491",
    cause="{letters} keeps dead letters for {seconds} s, no longer than {source} keeps its messages",
    remedy="set MessageRetentionPeriod: 1209600: a letter's age counts from when it was first sent",
    sources=(RETENTION,),
    demanding=True,
)
def letters_that_expire_with_their_source(site: Site) -> Iterator[Finding]:
    for letters, sources in dead_letters(site).items():
        seconds = _kept(site, letters)
        if seconds is None or seconds >= LONGEST or flag(site, letters, "FifoQueue"):
            continue  # in a FIFO queue the age begins anew
        for source in sources:
            before = _kept(site, source) if source.kind == QUEUE else None
            if before is not None and seconds <= before:
                yield found(
                    letters, "MessageRetentionPeriod", letters=letters, seconds=seconds, source=source
                )


@rule(
    "W9490",
    cause="{letters} keeps what failed for {days} days, and nobody need have read it by then",
    remedy="set MessageRetentionPeriod: 1209600, two weeks",
    sources=(RETENTION,),
    demanding=True,
)
def letters_that_are_gone_too_soon(site: Site) -> Iterator[Finding]:
    for letters in dead_letters(site):
        seconds = _kept(site, letters)
        enough = LONGEST if declared(site, letters) else DEFAULT
        if seconds is not None and SHORTEST <= seconds < enough:
            yield found(letters, "MessageRetentionPeriod", letters=letters, days=f"{seconds / DAY:g}")


@rule(
    "E9492",
    cause="{source} sends what fails to {letters}, which {why}",
    remedy="give a FIFO queue dead letters that are FIFO, and everything else a standard queue",
    sources=(DEAD, "https://docs.aws.amazon.com/iot/latest/developerguide/sqs-rule-action.html"),
)
def letters_of_another_kind(site: Site) -> Iterator[Finding]:
    for letters, sources in dead_letters(site).items():
        ordered = flag(site, letters, "FifoQueue")
        for source in sources:
            needed = flag(site, source, "FifoQueue") if source.kind == QUEUE else False
            if source.kind == "AWS::SNS::Subscription":
                continue  # a FIFO topic's dead letters are FIFO
            if ordered is not None and needed is not None and ordered != needed:
                why = "is FIFO, and the source is not" if ordered else "is not FIFO, and the source is"
                yield found(letters, "FifoQueue", source=source, letters=letters, why=why)


@rule(
    "E9493",
    cause="queue {queue} sends what fails {why}",
    remedy="name another queue in deadLetterTargetArn, and a maxReceiveCount of 3 to 100",
    sources=(DEAD,),
)
def letters_that_do_not_leave_their_queue(site: Site) -> Iterator[Finding]:
    for queue in site.all(QUEUE):
        letters = site.target(site.get(queue, "RedrivePolicy", "deadLetterTargetArn"), QUEUE)
        count = number(site.get(queue, "RedrivePolicy", "maxReceiveCount"))
        if letters == queue:
            yield found(queue, "RedrivePolicy", queue=queue, why="to itself")
        elif letters is not None and count is not None and not 1 < count <= MOST_ATTEMPTS:
            yield found(queue, "RedrivePolicy", queue=queue, why=f"to {letters} after {count} attempts")


@rule(
    "E9495",
    cause="queue {queue} stores its messages unencrypted",
    remedy="name a KmsMasterKeyId, or leave SqsManagedSseEnabled to its default, true",
    sources=(f"{SQS}sqs-server-side-encryption.html",),
    by_default=True,
)
def a_queue_that_is_not_encrypted(site: Site) -> Iterator[Finding]:
    for queue in site.all(QUEUE):
        if site.get(queue, "KmsMasterKeyId") is None and off(
            site, queue, "SqsManagedSseEnabled", default=True
        ):
            yield found(queue, "SqsManagedSseEnabled", queue=queue)


@rule(
    "E9496",
    cause="queue {queue} {why}",
    remedy="end QueueName in .fifo where FifoQueue is true, and only there",
    sources=(
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sqs-queue.html",
    ),
)
def a_name_of_the_other_kind_of_queue(site: Site) -> Iterator[Finding]:
    for queue in site.all(QUEUE):
        name, ordered = word(site, queue, "QueueName"), flag(site, queue, "FifoQueue")
        if name is None or ordered is None or name.endswith(".fifo") == ordered:
            continue
        why = f"is {'FIFO' if ordered else 'not FIFO'} and called {name}"
        yield found(queue, "QueueName", queue=queue, why=why)


@rule(
    "W9491",
    cause="queue {queue} contradicts itself: it names a key and has SqsManagedSseEnabled {managed}",
    remedy="leave SqsManagedSseEnabled out where KmsMasterKeyId is given",
    sources=(f"{SQS}sqs-server-side-encryption.html",),
)
def a_queue_of_two_encryptions(site: Site) -> Iterator[Finding]:
    for queue in site.all(QUEUE):
        managed = site.get(queue, "SqsManagedSseEnabled")
        if managed is not None and site.get(queue, "KmsMasterKeyId") is not None:
            yield found(queue, "SqsManagedSseEnabled", queue=queue, managed=managed)


ABOUT = frozenset(
    {
        "AWS::CloudWatch::Alarm",
        "AWS::CloudWatch::CompositeAlarm",
        "AWS::CloudWatch::Dashboard",
        "AWS::IAM::ManagedPolicy",
        "AWS::IAM::Policy",
        "AWS::IAM::Role",
        "AWS::IAM::RolePolicy",
        "AWS::SQS::QueuePolicy",
    }
)


@rule(
    "W9492",
    cause="queue {queue} is granted and watched, and nothing is told to send to it",
    remedy="name it where what fails should go, such as DeadLetterConfig, or remove it",
    sources=("https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html", DEAD),
)
def a_queue_that_nothing_sends_to(site: Site) -> Iterator[Finding]:
    """A queue that a root hands out may be sent to by anybody."""
    for queue in site.all(QUEUE):
        users = [use.user for use in site.uses(queue) if use.user != queue]
        idle = bool(users) and all(user.kind in ABOUT for user in users)
        if idle and word(site, queue, "QueueName") is None and not exported(site, queue):
            yield found(queue, "QueueName", queue=queue)

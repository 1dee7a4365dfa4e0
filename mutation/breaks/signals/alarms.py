"""Alarms: what they watch, when they ring, and whom they tell."""

from mutation.breaking import broken
from mutation.draft import Draft, Part, att, ref

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
ALARMS = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"
MISSING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
OF_RDS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html"
OF_CACHES = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheMetrics.html"
OF_STREAMS = "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"
OF_QUEUES = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
OF_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
OF_ECS = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html"
OF_TOPICS = "https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html"


def lag(draft: Draft) -> Part:
    return draft.the(ALARM, "Lag")


def watching(draft: Draft, metric: str) -> Part:
    return draft.first(ALARM, MetricName=metric)


def dimension(alarm: Part) -> dict[str, object]:
    (found,) = alarm.properties["Dimensions"]
    held: dict[str, object] = found
    return held


@broken(why="there is no metric of that name, so the alarm never has data", source=OF_RDS)
def a_metric_is_misspelt(draft: Draft) -> None:
    alarm = draft.the(ALARM, Namespace="AWS/RDS", MetricName="CPUUtilization")
    alarm.properties["MetricName"] = "CPUUtilisation"


@broken(why="metrics' names have their case: this one never has data", source=OF_RDS)
def a_metric_has_the_wrong_case(draft: Draft) -> None:
    watching(draft, "FreeStorageSpace").properties["MetricName"] = "FreeStoragespace"


@broken(why="there is no such namespace", source=OF_CACHES)
def a_namespace_is_misspelt(draft: Draft) -> None:
    watching(draft, "Evictions").properties["Namespace"] = "AWS/Elasticache"


@broken(why="the metric is of another namespace", source=OF_LAMBDA)
def a_metric_is_of_another_namespace(draft: Draft) -> None:
    draft.the(ALARM, Namespace="AWS/Lambda", MetricName="Errors").properties["Namespace"] = "AWS/Events"


@broken(why="series are told apart by CacheClusterId; there is none by the group", source=OF_CACHES)
def a_dimension_is_not_of_its_metric(draft: Draft) -> None:
    dimension(watching(draft, "EngineCPUUtilization"))["Name"] = "ReplicationGroupId"


@broken(why="the name of a dimension has its case", source=OF_RDS)
def a_dimension_has_the_wrong_case(draft: Draft) -> None:
    dimension(watching(draft, "DatabaseConnections"))["Name"] = "DbInstanceIdentifier"


@broken(why="two dimensions belong to the series, and one alone names none", source=OF_ECS)
def a_dimension_is_missing(draft: Draft) -> None:
    draft.the(ALARM, MetricName="MemoryUtilization").properties["Dimensions"].pop(0)


@broken(why="a metric of the database under the name of a node of the cache: no data")
def an_alarm_watches_another_kind_of_resource(draft: Draft) -> None:
    dimension(watching(draft, "FreeableMemory"))["Value"] = ref("CacheMembers1")


@broken(why="the second node has no alarm on memory, the first has two")
def two_alarms_watch_one_node(draft: Draft) -> None:
    dimension(draft.the(ALARM, "CacheMemory002"))["Value"] = ref("CacheMembers1")


@broken(why="a queue's series is by its name; its URL names none", source=OF_QUEUES)
def an_alarm_watches_a_queue_by_its_url(draft: Draft) -> None:
    given = draft.nesting(lag(draft)).properties["Parameters"]
    given["DeadLettersName"] = att("Stream", "Outputs.DeadLettersUrl")


@broken(why="the series is by the topic's name; its ARN names none", source=OF_TOPICS)
def an_alarm_watches_a_topic_by_its_arn(draft: Draft) -> None:
    dimension(watching(draft, "NumberOfNotificationsFailed"))["Value"] = ref("TopicArn")


@broken(why="a node is <group>-001 and so on; with two digits there is none", source=OF_CACHES)
def the_nodes_names_are_of_another_form(draft: Draft) -> None:
    outputs = draft.files["cache.yaml"]["Outputs"]
    outputs["Members1"]["Value"] = {"Fn::Sub": "${Latest}-01"}


@broken(why="the alarm rings where nobody hears it", source=ALARMS)
def an_alarm_tells_nobody(draft: Draft) -> None:
    del lag(draft).properties["AlarmActions"]


@broken(why="its actions are turned off", source=ALARMS)
def an_alarms_actions_are_off(draft: Draft) -> None:
    lag(draft).properties["ActionsEnabled"] = False


@broken(why="nobody is told when it begins, only when it has ended", source=ALARMS)
def an_alarm_tells_only_of_its_end(draft: Draft) -> None:
    properties = watching(draft, "MaximumUsedTransactionIDs").properties
    del properties["AlarmActions"]


@broken(why="no data is what a dead reader leaves, and it is taken for good news", source=MISSING)
def silence_of_the_reader_is_no_lag(draft: Draft) -> None:
    lag(draft).properties["TreatMissingData"] = "notBreaching"


@broken(why="the metric counts bytes, and 2 of them are always free", source=OF_RDS)
def a_threshold_is_in_gibibytes(draft: Draft) -> None:
    watching(draft, "FreeStorageSpace").properties["Threshold"] = 2


@broken(
    why="the metric counts milliseconds: 300 of them are normal, and the alarm is always on",
    source=OF_STREAMS,
)
def a_threshold_is_in_seconds(draft: Draft) -> None:
    lag(draft).properties["Threshold"] = 300


@broken(why="a percentage is never above 100: the alarm never rings", source=OF_RDS)
def a_threshold_cannot_be_reached(draft: Draft) -> None:
    draft.the(ALARM, "DatabaseCpu").properties["Threshold"] = 800


@broken(why="it rings while there is room, and is silent when there is none")
def a_comparison_is_turned_round(draft: Draft) -> None:
    properties = watching(draft, "FreeStorageSpace").properties
    properties["ComparisonOperator"] = "GreaterThanThreshold"


@broken(why="CPU that is low rings, CPU at its limit does not")
def the_cpu_alarm_rings_when_idle(draft: Draft) -> None:
    draft.the(ALARM, "ProcessorCpu").properties["ComparisonOperator"] = "LessThanThreshold"


@broken(why="a count is never below zero: the alarm never rings", source=OF_QUEUES)
def a_count_is_awaited_below_zero(draft: Draft) -> None:
    draft.the(ALARM, "DeadLetters").properties["ComparisonOperator"] = "LessThanThreshold"


@broken(why="the smallest value of the minute is the shard that has no lag", source=OF_STREAMS)
def lag_is_measured_by_its_minimum(draft: Draft) -> None:
    lag(draft).properties["Statistic"] = "Minimum"


@broken(why="an age added up over samples is no age", source=OF_STREAMS)
def lag_is_added_up(draft: Draft) -> None:
    lag(draft).properties["Statistic"] = "Sum"


@broken(
    why="samples come one a minute, however many connections there are: the alarm never rings", source=OF_RDS
)
def the_samples_are_counted_and_not_the_connections(draft: Draft) -> None:
    watching(draft, "DatabaseConnections").properties["Statistic"] = "SampleCount"


@broken(why="more points must breach than are looked at: refused", source=ALARMS)
def more_points_must_breach_than_there_are(draft: Draft) -> None:
    lag(draft).properties["DatapointsToAlarm"] = 5


@broken(why="an alarm looks back a day at most for periods of less than an hour: refused", source=ALARMS)
def an_alarm_looks_back_for_days(draft: Draft) -> None:
    draft.the(ALARM, "DatabaseTransactionIds").properties.update(Period=300, EvaluationPeriods=600)


@broken(why="readings are lost at the end of the retention, and the alarm comes after it")
def the_alarm_on_expiry_comes_after_the_end(draft: Draft) -> None:
    hours = draft.the("AWS::Kinesis::Stream").properties["RetentionPeriodHours"]
    draft.the(ALARM, "ReadingsExpire").properties["Threshold"] = (hours + 12) * 3_600_000


@broken(why="the queue drops its messages after 4 days, and the alarm comes after 10")
def the_queue_forgets_before_its_alarm(draft: Draft) -> None:
    draft.the("AWS::SQS::Queue", "DeadLetters").properties["MessageRetentionPeriod"] = 345600


@broken(why="the login is changed every 30 days, so an alarm after 20 is on a third of the time")
def the_alarm_on_age_comes_before_the_rotation(draft: Draft) -> None:
    watching(draft, "SecretAgeDays").properties["Threshold"] = 20


@broken(why="age is measured every two days, and the alarm waits half a day: missing data rings every time")
def age_is_measured_too_seldom_for_its_alarm(draft: Draft) -> None:
    rule = draft.the("AWS::Events::Rule", ScheduleExpression="rate(6 hours)")
    rule.properties["ScheduleExpression"] = "rate(2 days)"


@broken(why="the pager does not hear that nobody reads")
def the_pager_does_not_hear_of_lag(draft: Draft) -> None:
    rule = draft.the(COMPOSITE).properties["AlarmRule"]
    rule["Fn::Sub"] = rule["Fn::Sub"].replace(' OR ALARM("${Lag.Arn}")', "")


@broken(why="all must be on at once before the pager hears of one")
def the_pager_waits_for_all_alarms(draft: Draft) -> None:
    rule = draft.the(COMPOSITE).properties["AlarmRule"]
    rule["Fn::Sub"] = rule["Fn::Sub"].replace(" OR ", " AND ")


@broken(why="the pager hears when all is well")
def the_pager_hears_what_is_well(draft: Draft) -> None:
    rule = draft.the(COMPOSITE).properties["AlarmRule"]
    rule["Fn::Sub"] = rule["Fn::Sub"].replace('ALARM("${Lag.Arn}")', 'OK("${Lag.Arn}")')


@broken(why="the pager's alarm tells nobody")
def the_pager_is_not_called(draft: Draft) -> None:
    draft.the(COMPOSITE).properties["ActionsEnabled"] = False


@broken(only=("prod",), why="the third node fills up unseen")
def a_node_has_no_alarm_on_memory(draft: Draft) -> None:
    draft.remove(draft.the(ALARM, "CacheMemory003"))
    body = draft.the("AWS::CloudWatch::Dashboard").properties["DashboardBody"]["Fn::Sub"]
    name = next(name for name, value in body[1].items() if value == att("CacheMemory003", "Arn"))
    body[0] = body[0].replace(f', "${{{name}}}"', "")
    del body[1][name]


@broken(why="what is computed refers to a metric of another name: refused")
def an_expression_names_a_metric_that_is_not_there(draft: Draft) -> None:
    metrics = draft.the(ALARM, "TasksMissing").properties["Metrics"]
    metrics[-1]["Expression"] = "wanted - running"


@broken(why="running less desired is never above zero: the alarm never rings")
def an_expression_is_turned_round(draft: Draft) -> None:
    draft.the(ALARM, "TasksMissing").properties["Metrics"][-1]["Expression"] = "running - desired"


@broken(why="an alarm needs the one series that it watches, and here are two: refused", source=ALARMS)
def an_alarm_watches_two_series(draft: Draft) -> None:
    draft.the(ALARM, "TasksMissing").properties["Metrics"][0]["ReturnData"] = True


@broken(why="there is no column of that name, so the query finds nothing")
def a_query_asks_for_a_metric_that_is_not_there(draft: Draft) -> None:
    query = draft.the(ALARM, "ReadingsLost").properties["Metrics"][0]["Expression"]["Fn::Sub"]
    query[0] = query[0].replace("ErrorActionFailure", "ErrorActionFailed")


@broken(why="the cluster publishes no number of tasks, so the alarm on missing ones has no data")
def the_cluster_has_no_insights(draft: Draft) -> None:
    draft.the("AWS::ECS::Cluster").properties["ClusterSettings"][0]["Value"] = "disabled"

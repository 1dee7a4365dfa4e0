"""What an alarm makes of missing data, against what it means that there is none."""

from collections.abc import Iterator

from rules.families.signals.alarm_actions_read import scaling_only
from rules.families.signals.alarm_answers import DOWNWARDS, UPWARDS, is_age, of_series, used
from rules.families.signals.alarm_series import Alarm, alarms
from rules.families.signals.dashboard_series import every_series
from rules.families.signals.metric_meanings import EITHER, EVENTS, HIGH
from rules.families.signals.watched_resources import subjects
from rules.seam.rule import Finding, found, rule
from rules.seam.site import Site
from topology.tree import Resource

MISSING = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html"
BREACHING, CALM, IGNORE, DEFAULT = "breaching", "notBreaching", "ignore", "missing"
LAGS = frozenset({"GetRecords.IteratorAgeMilliseconds", "SubscribeToShardEvent.MillisBehindLatest"})


@rule(
    "E9620",
    cause=(
        "alarm {alarm} treats missing data as {missing}, and where {metric} is missing, what it "
        "waits for has happened"
    ),
    remedy="set TreatMissingData: breaching",
    sources=(MISSING,),
)
def an_alarm_on_absence_that_absence_calms(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        metric = _beat(alarm)
        if metric and alarm.missing in (CALM, IGNORE, DEFAULT) and not scaling_only(site, alarm):
            yield _at(alarm, metric)


def _beat(alarm: Alarm) -> str:
    """A metric whose silence speaks: of what should live, of what should come, of what somebody measures."""
    for series in used(alarm):
        meant, name = of_series(series), str(series.name)
        if meant is not None and meant.beat:
            return name
        nothing = alarm.operator in DOWNWARDS and not alarm.expressions and (alarm.threshold or 0) >= 1
        if meant is not None and meant.kind == EVENTS and meant.bad == EITHER and nothing:
            return name
        heart = isinstance(series.name, str) and name.lower().endswith("heartbeat")
        if is_age(series) or (heart and not str(series.namespace).startswith("AWS/")):
            return name
    return ""


def _at(alarm: Alarm, metric: str) -> Finding:
    return found(
        alarm.resource, "TreatMissingData", alarm=alarm.resource, missing=alarm.missing, metric=metric
    )


@rule(
    "E9621",
    cause=(
        "alarm {alarm} treats missing data as breaching, and {metric} is missing whenever nothing goes wrong"
    ),
    remedy="set TreatMissingData: notBreaching",
    sources=(MISSING,),
)
def an_alarm_on_failures_that_their_absence_sets_off(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        metric = _sparse(alarm)
        if metric and alarm.missing == BREACHING:
            yield _at(alarm, metric)


@rule(
    "W9622",
    cause=(
        "alarm {alarm} treats missing data as {missing}, and {metric} is missing whenever "
        "nothing goes wrong: it does not come back to OK"
    ),
    remedy="set TreatMissingData: notBreaching",
    sources=(MISSING,),
    demanding=True,
)
def an_alarm_on_failures_that_their_end_does_not_calm(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        metric = _sparse(alarm)
        if metric and alarm.missing in (IGNORE, DEFAULT):
            yield _at(alarm, metric)


def _sparse(alarm: Alarm) -> str:
    """A metric that comes with failures only, of an alarm on their number."""
    series = used(alarm) or list(alarm.series)
    meant = [of_series(one) for one in series]
    if series and all(one is not None and one.bad == HIGH for one in meant) and alarm.operator in UPWARDS:
        queried = all(
            not one.whole and one_ is not None and one_.kind == EVENTS
            for one, one_ in zip(series, meant, strict=True)
        )
        if queried or any(one is not None and one.sparse for one in meant):
            return str(series[0].name)
    return ""


@rule(
    "W9623",
    cause=(
        "no alarm on {metric} of {stream} treats missing data as breaching, and it is missing "
        "when nobody reads"
    ),
    remedy="set TreatMissingData: breaching on the alarm that calls somebody",
    sources=(MISSING, "https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html"),
    demanding=True,
)
def a_stream_whose_reader_may_vanish_unseen(site: Site) -> Iterator[Finding]:
    about: dict[Resource, list[Alarm]] = {}
    for alarm in alarms(site):
        for series in alarm.series:
            if str(series.name) in LAGS and not scaling_only(site, alarm):
                for stream in subjects(site, series).values():
                    about.setdefault(stream, []).append(alarm)
    for stream, its in about.items():
        beats = any(series.name == "RunningTaskCount" for series in every_series(site))
        silent = all(one.missing in (CALM, IGNORE, DEFAULT) for one in its)
        if silent and stream.kind == "AWS::Kinesis::Stream" and (len(its) > 1 or not beats):
            yield found(its[0].resource, "TreatMissingData", metric=its[0].series[0].name, stream=stream)


@rule(
    "E9624",
    cause="alarm {alarm} treats missing data as {missing}, which is no way to treat it",
    remedy="write breaching, notBreaching, ignore or missing",
    sources=(MISSING,),
)
def missing_data_treated_in_no_way_that_there_is(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        if isinstance(alarm.missing, str) and alarm.missing not in (BREACHING, CALM, IGNORE, DEFAULT):
            yield found(alarm.resource, "TreatMissingData", alarm=alarm.resource, missing=alarm.missing)


@rule(
    "W9625",
    cause=(
        "alarm {alarm} treats missing data as breaching, and starts {policy}, which then scales "
        "for want of data"
    ),
    remedy="set TreatMissingData: notBreaching; let an alarm that calls somebody be the one on missing data",
    sources=(MISSING,),
)
def missing_data_that_scales(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        if alarm.missing == BREACHING and scaling_only(site, alarm):
            yield found(alarm.resource, "TreatMissingData", alarm=alarm.resource, policy=alarm.actions[0])


@rule(
    "W9626",
    cause=(
        "alarm {alarm} ignores missing data: it stays in ALARM for as long as {metric} is "
        "missing, whatever has been mended"
    ),
    remedy="set TreatMissingData to what it means: notBreaching, or breaching where silence is bad news",
    sources=(MISSING,),
    demanding=True,
)
def an_alarm_that_ignores_missing_data(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        if alarm.missing != IGNORE or _beat(alarm) or _sparse(alarm):
            continue
        names = [str(series.name) for series in alarm.series]
        if names and (scaling_only(site, alarm) or not any(name in LAGS for name in names)):
            yield _at(alarm, names[0])


@rule(
    "W9629",
    cause=(
        "alarm {alarm} calls somebody about {metric} whenever there is no data of it, which says "
        "nothing of it"
    ),
    remedy="set TreatMissingData: notBreaching, and watch by another alarm that it is there at all",
    sources=(MISSING,),
    demanding=True,
)
def no_data_taken_for_bad_data(site: Site) -> Iterator[Finding]:
    """Where most alarms of states do so, it is how the team hears of what is gone."""
    of_states = [alarm for alarm in alarms(site) if _of_a_state(site, alarm)]
    loud = [alarm for alarm in of_states if alarm.missing == BREACHING]
    meant = len(loud) > 1 and 2 * len(loud) >= len(of_states)
    for alarm in () if meant else loud:
        yield _at(alarm, str(used(alarm)[0].name))


def _of_a_state(site: Site, alarm: Alarm) -> bool:
    series = used(alarm)
    meant = [of_series(one) for one in series]
    lags = any(str(one.name) in LAGS for one in series)
    if lags or _beat(alarm) or _sparse(alarm) or scaling_only(site, alarm):
        return False
    return bool(series) and all(one is not None and one.bad != EITHER for one in meant)


@rule(
    "W9630",
    cause="alarm {alarm} does not say what missing data of {metric} means, unlike every other of this tree",
    remedy="set TreatMissingData: left out, the alarm goes to INSUFFICIENT_DATA, which tells nobody",
    sources=(MISSING,),
    demanding=True,
)
def an_alarm_that_does_not_say_what_silence_means(site: Site) -> Iterator[Finding]:
    every = alarms(site)
    mute = [alarm for alarm in every if site.get(alarm.resource, "TreatMissingData") is None]
    if len(mute) == 1 and len(every) >= 6 and mute[0].series:
        yield _at(mute[0], str(mute[0].series[0].name))


@rule(
    "W9650",
    cause="alarm {alarm} rings when there is {metric}, and when there is none of it: always",
    remedy="use LessThanThreshold to hear of silence, or TreatMissingData: notBreaching to hear of a rush",
    sources=(MISSING,),
)
def an_alarm_on_traffic_and_on_its_absence(site: Site) -> Iterator[Finding]:
    for alarm in alarms(site):
        meant = of_series(alarm.series[0]) if len(alarm.series) == 1 else None
        traffic = meant is not None and meant.kind == EVENTS and meant.bad == EITHER
        if traffic and alarm.missing == BREACHING and alarm.operator in UPWARDS:
            yield _at(alarm, str(alarm.series[0].name))

"""What must outlive a deletion, a mistake, a zone and a night: copies, windows, retention, protection."""

import json

from mutation.breaking import broken
from mutation.draft import Draft, Part

DATABASE = "AWS::RDS::DBInstance"
CACHE = "AWS::ElastiCache::ReplicationGroup"
STREAM = "AWS::Kinesis::Stream"
TABLE = "AWS::DynamoDB::Table"
KEY = "AWS::KMS::Key"
BUCKET = "AWS::S3::Bucket"
IMAGES = "AWS::ECR::Repository"
PROD = ("prod",)  # what dev holds may go
DELETION = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html"
REPLACE = (
    "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-updatereplacepolicy.html"
)
BACKUPS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html"
FAILOVER = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/AutoFailover.html"
SNAPSHOTS = "https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/backups-automatic.html"
LIFECYCLE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html"
LOCK = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html"
OF_KEYS = "https://docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html"
GROWTH = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html"
SETTINGS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithDBInstanceParamGroups.html"
INSIGHTS = (
    "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_DatabaseInsights.TurningOnAdvanced.html"
)


def artefacts(draft: Draft) -> Part:
    return draft.the(BUCKET, "Artefacts")


@broken(only=PROD, why="deleting the stack deletes every reading without a last snapshot", source=DELETION)
def the_database_goes_with_its_stack(draft: Draft) -> None:
    draft.the(DATABASE).body["DeletionPolicy"] = "Delete"


@broken(
    only=PROD,
    why="a change that replaces the instance deletes the old one with what it holds",
    source=REPLACE,
)
def the_database_goes_when_it_is_replaced(draft: Draft) -> None:
    draft.the(DATABASE).body["UpdateReplacePolicy"] = "Delete"


@broken(only=PROD, why="left out, a replaced resource is deleted", source=REPLACE)
def the_stream_says_nothing_of_replacement(draft: Draft) -> None:
    del draft.the(STREAM).body["UpdateReplacePolicy"]


@broken(only=PROD, why="deleting the stack deletes readings that are in no database yet", source=DELETION)
def the_stream_goes_with_its_stack(draft: Draft) -> None:
    draft.the(STREAM).body["DeletionPolicy"] = "Delete"


@broken(only=PROD, why="what is under the key can never be read again once it is gone", source=OF_KEYS)
def a_key_goes_with_its_stack(draft: Draft) -> None:
    draft.the(KEY, "Data").body["DeletionPolicy"] = "Delete"


@broken(only=PROD, why="a mistaken deletion of the key is noticed within a week or never", source=OF_KEYS)
def a_key_waits_a_week(draft: Draft) -> None:
    draft.the(KEY, "Data").properties["PendingWindowInDays"] = 7


@broken(only=PROD, why="the log that an audit asks for goes with the stack", source=DELETION)
def a_log_goes_with_its_stack(draft: Draft) -> None:
    draft.the("AWS::Logs::LogGroup", "PostgresqlLog").body["DeletionPolicy"] = "Delete"


@broken(why="a log without an end is paid for, and kept against the rules on personal data, for ever")
def a_log_is_kept_for_ever(draft: Draft) -> None:
    del draft.the("AWS::Logs::LogGroup", "SlowLog").properties["RetentionInDays"]


@broken(
    why="0 days turns automated backups off, and with them the way back to a point in time", source=BACKUPS
)
def the_database_has_no_backups(draft: Draft) -> None:
    draft.the(DATABASE).properties["BackupRetentionPeriod"] = 0


@broken(only=PROD, why="a mistake of the week before cannot be taken back", source=BACKUPS)
def the_database_has_a_days_backups(draft: Draft) -> None:
    draft.the(DATABASE).properties["BackupRetentionPeriod"] = 1


@broken(only=PROD, why="backups go with the instance, at the moment when they are needed", source=BACKUPS)
def the_backups_go_with_the_database(draft: Draft) -> None:
    draft.the(DATABASE).properties["DeleteAutomatedBackups"] = True


@broken(only=PROD, why="one call deletes the database")
def the_database_is_not_protected_from_deletion(draft: Draft) -> None:
    draft.the(DATABASE).properties["DeletionProtection"] = False


@broken(only=PROD, why="when its zone fails the database is gone until somebody restores it")
def the_database_stands_in_one_zone(draft: Draft) -> None:
    draft.the(DATABASE).properties["MultiAZ"] = False


@broken(why="the window of backups and that of maintenance may not overlap: RDS refuses", source=BACKUPS)
def the_windows_of_the_database_overlap(draft: Draft) -> None:
    draft.the(DATABASE).properties["PreferredBackupWindow"] = "04:00-05:00"


@broken(why="a window over midnight overlaps as well: RDS refuses", source=BACKUPS)
def the_windows_of_the_database_overlap_at_midnight(draft: Draft) -> None:
    windows = {"PreferredBackupWindow": "23:30-00:30", "PreferredMaintenanceWindow": "sun:00:00-sun:01:00"}
    draft.the(DATABASE).properties.update(windows)


@broken(why="a window of backups lasts half an hour or more: RDS refuses", source=BACKUPS)
def the_window_of_backups_is_too_short(draft: Draft) -> None:
    draft.the(DATABASE).properties["PreferredBackupWindow"] = "03:00-03:10"


@broken(why="storage that may not grow fills up, and a full database stops", source=GROWTH)
def the_databases_storage_does_not_grow(draft: Draft) -> None:
    del draft.the(DATABASE).properties["MaxAllocatedStorage"]


@broken(why="the limit must be above what is allocated: RDS refuses", source=GROWTH)
def the_databases_storage_may_grow_to_less(draft: Draft) -> None:
    properties = draft.the(DATABASE).properties
    properties["MaxAllocatedStorage"] = int(properties["AllocatedStorage"]) // 2


@broken(
    why="a group of settings is of one family, and the engine is of another: RDS refuses", source=SETTINGS
)
def the_databases_settings_are_of_another_family(draft: Draft) -> None:
    draft.the("AWS::RDS::DBParameterGroup").properties["Family"] = "postgres17"


@broken(only=PROD, why="advanced insights keep 465 days or more: RDS refuses less", source=INSIGHTS)
def the_databases_insights_are_kept_too_short(draft: Draft) -> None:
    draft.the(DATABASE).properties["PerformanceInsightsRetentionPeriod"] = 7


@broken(why="known faults of the engine stay until somebody remembers them")
def the_database_is_not_kept_up_to_date(draft: Draft) -> None:
    draft.the(DATABASE).properties["AutoMinorVersionUpgrade"] = False


@broken(why="automatic fail-over needs a replica: ElastiCache refuses", source=FAILOVER)
def the_cache_has_one_node(draft: Draft) -> None:
    draft.the(CACHE).properties["NumCacheClusters"] = 1


@broken(only=PROD, why="when the primary fails nobody takes over until somebody comes", source=FAILOVER)
def the_cache_does_not_fail_over(draft: Draft) -> None:
    draft.the(CACHE).properties.update(AutomaticFailoverEnabled=False, MultiAZEnabled=False)


@broken(why="several zones need automatic fail-over: ElastiCache refuses", source=FAILOVER)
def the_cache_stands_in_zones_without_failing_over(draft: Draft) -> None:
    draft.the(CACHE).properties["AutomaticFailoverEnabled"] = False


@broken(only=PROD, why="all nodes may stand in the zone that fails", source=FAILOVER)
def the_cache_stands_in_one_zone(draft: Draft) -> None:
    del draft.the(CACHE).properties["MultiAZEnabled"]


@broken(only=PROD, why="0 turns snapshots off", source=SNAPSHOTS)
def the_cache_has_no_snapshots(draft: Draft) -> None:
    draft.the(CACHE).properties["SnapshotRetentionLimit"] = 0


@broken(why="a snapshot is begun in the time when nodes are replaced", source=SNAPSHOTS)
def the_windows_of_the_cache_overlap(draft: Draft) -> None:
    draft.the(CACHE).properties["SnapshotWindow"] = "05:00-06:00"


@broken(why="the settings are of another major version than the engine: ElastiCache refuses")
def the_caches_settings_are_of_another_family(draft: Draft) -> None:
    draft.the("AWS::ElastiCache::ParameterGroup").properties["CacheParameterGroupFamily"] = "valkey7"


@broken(why="a full cache refuses new values instead of shedding old ones")
def the_cache_refuses_when_it_is_full(draft: Draft) -> None:
    settings = draft.the("AWS::ElastiCache::ParameterGroup").properties["Properties"]
    settings["maxmemory-policy"] = "noeviction"


@broken(why="a lost or spoilt table of leases cannot be brought back")
def the_table_has_no_way_back(draft: Draft) -> None:
    point = draft.the(TABLE).properties["PointInTimeRecoverySpecification"]
    point["PointInTimeRecoveryEnabled"] = False


@broken(only=PROD, why="a consumer that is down over a weekend loses readings")
def the_stream_keeps_a_day(draft: Draft) -> None:
    draft.the(STREAM).properties["RetentionPeriodHours"] = 24


@broken(why="what was overwritten or deleted is gone")
def the_artefacts_have_no_versions(draft: Draft) -> None:
    properties = artefacts(draft).properties
    properties["VersioningConfiguration"]["Status"] = "Suspended"
    properties.pop("ObjectLockConfiguration", None)
    properties.pop("ObjectLockEnabled", None)


@broken(only=PROD, why="a lock needs versions: S3 refuses", source=LOCK)
def the_locked_artefacts_have_no_versions(draft: Draft) -> None:
    del artefacts(draft).properties["VersioningConfiguration"]


@broken(only=PROD, why="what prod was deployed from can be deleted", source=LOCK)
def the_artefacts_are_not_locked(draft: Draft) -> None:
    properties = artefacts(draft).properties
    del properties["ObjectLockConfiguration"], properties["ObjectLockEnabled"]


@broken(why="the code that runs expires, and the function cannot be deployed again", source=LIFECYCLE)
def the_artefacts_in_use_expire(draft: Draft) -> None:
    (rule,) = artefacts(draft).properties["LifecycleConfiguration"]["Rules"]
    del rule["ExpiredObjectDeleteMarker"]
    rule["ExpirationInDays"] = 30


@broken(
    why="a version is gone the day after it was replaced: there is nothing to go back to", source=LIFECYCLE
)
def the_artefacts_of_yesterday_expire(draft: Draft) -> None:
    (rule,) = artefacts(draft).properties["LifecycleConfiguration"]["Rules"]
    rule["NoncurrentVersionExpiration"]["NoncurrentDays"] = 1


@broken(why="who asked for what is recorded nowhere")
def the_artefacts_requests_are_not_logged(draft: Draft) -> None:
    del artefacts(draft).properties["LoggingConfiguration"]


@broken(only=PROD, why="deleting the stack deletes every image with it")
def the_images_go_with_their_repository(draft: Draft) -> None:
    draft.the(IMAGES).properties["EmptyOnDelete"] = True


@broken(
    why="a tag may come to mean another image than the one that was tested",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html",
)
def the_images_tags_may_move(draft: Draft) -> None:
    draft.the(IMAGES).properties["ImageTagMutability"] = "MUTABLE"


@broken(
    why="the image before the newest is gone, and with it the way back",
    source="https://docs.aws.amazon.com/AmazonECR/latest/userguide/LifecyclePolicies.html",
)
def one_image_is_kept(draft: Draft) -> None:
    policy = draft.the(IMAGES).properties["LifecyclePolicy"]
    rules = json.loads(policy["LifecyclePolicyText"])
    rules["rules"][1]["selection"]["countNumber"] = 1
    policy["LifecyclePolicyText"] = json.dumps(rules, indent=2)

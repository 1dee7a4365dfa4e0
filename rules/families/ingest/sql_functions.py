"""The functions of IoT SQL, and how many arguments each takes.

https://docs.aws.amazon.com/iot/latest/developerguide/iot-sql-functions.html
"""

_NONE = "accountid clientid newuuid principal rand sourceip sql_version timestamp traceid"
_ONE = (
    "abs acos asin atan bitnot ceil chr cos cosh exp floor get_mqtt_property get_user_properties isnull "
    "isundefined length ln log lower ltrim md2 md5 numbytes round rtrim sha1 sha224 sha256 sha384 sha512 "
    "sign sin sinh sqrt tan tanh trim upper"
)
_TWO = (
    "atan2 aws_lambda bitand bitor bitxor encode endswith get get_or_default indexof lpad mod nanvl power "
    "regexp_matches regexp_substr remainder rpad startswith time_to_epoch trunc"
)
_THREE = "get_registry_data machinelearning_predict regexp_replace replace transform"
MANY = 100
TAKES: dict[str, tuple[int, int]] = {
    **dict.fromkeys(_NONE.split(), (0, 0)),
    **dict.fromkeys(_ONE.split(), (1, 1)),
    **dict.fromkeys(_TWO.split(), (2, 2)),
    **dict.fromkeys(_THREE.split(), (3, 3)),
    "cast": (1, 1),  # cast(value as Int)
    "concat": (1, MANY),
    "decode": (2, 6),  # six for Protobuf
    "get_dynamodb": (4, 6),
    "get_secret": (3, 4),
    "get_thing_shadow": (2, 3),
    "parse_time": (2, 3),
    "substring": (2, 3),
    "topic": (0, 1),
}
CHANGING = frozenset({"newuuid", "rand", "timestamp", "traceid"})  # another with each message

"""The name of an application of the Kinesis Client Library, which is that of its lease table."""

import re
from collections.abc import Iterator

from rules.families.containers.named_settings import Setting, settings
from rules.seam.rule import Finding, rule
from rules.seam.site import Site
from topology.tree import Resource
from topology.values import Reference, Text, Value, known

TABLE = "AWS::DynamoDB::Table"
NAMING = re.compile(r"(^|_)(APPLICATION|APP)(_?NAME)?$|KCL|LEASE", re.IGNORECASE)


def lease_tables(site: Site) -> list[Resource]:
    """Tables with the key that the library gives to leases."""
    found = []
    for table in site.all(TABLE):
        keys = [key.get("AttributeName") for key in site.items(table, "KeySchema") if isinstance(key, dict)]
        if keys == ["leaseKey"]:
            found.append(table)
    return found


def _names(site: Site, table: Resource, value: Value) -> bool:
    if isinstance(value, Reference):
        return value.resource == table
    name = site.get(table, "TableName")
    return name is not None and str(value) == str(name)


@rule(
    "E9596",
    cause="{workload} is told {setting}: {value}, and its lease table here is {table}, called {name}",
    remedy="give it the table's name: the library looks for its leases under the application's name",
    sources=("https://docs.aws.amazon.com/streams/latest/dev/kcl-dynamoDB.html",),
)
def an_application_of_another_name_than_its_table(site: Site) -> Iterator[Finding]:
    tables = lease_tables(site)
    every = list(settings(site))
    told = [
        table for table in tables if any(_names(site, table, one.value) for all_ in every for one in all_)
    ]
    for listed in every:
        for setting in listed:
            wrong = _wrong(site, setting, tables)
            left = [table for table in tables if table not in told]
            if wrong and left and len(left) == len(tables) - len(told) and (len(left) == 1):
                yield setting.found(value=setting.value, table=left[0], name=site.get(left[0], "TableName"))


def _wrong(site: Site, setting: Setting, tables: list[Resource]) -> bool:
    """Whether it names an application, of which no table here has the name."""
    value = setting.value
    if not NAMING.search(setting.name) or not known(value) or isinstance(value, Reference):
        return False
    if not isinstance(value, str | Text) or not known([site.get(table, "TableName") for table in tables]):
        return False
    return all(
        site.get(table, "TableName") is not None and not _names(site, table, value) for table in tables
    )

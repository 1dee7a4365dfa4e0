"""A device becomes known through the emitted template: the embedded AWS carries out fleet provisioning."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import decode
from ministack.core.responses import request_scope
from ministack.services import iot
from ministack.services.cloudformation import provisioners

ACCOUNT, REGION = "111122223333", "eu-west-2"
INGEST = Path(__file__).parents[4] / "templates" / "dev" / "ingest.yaml"
PLACE = {"Enterprise": "acme", "Site": "lon1", "Area": "press", "Line": "line2", "Cell": "cell4"}


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template, errors = decode(str(INGEST))
    assert template is not None, errors
    made: dict[str, Any] = template["Resources"]
    return made


def test_an_installer_s_claim_is_to_be_had(aws: Any, resources: dict[str, Any]) -> None:
    kept = {title: resources[title] for title in ("Device", "Provisioner", "Provisioning", "Installer")}
    aws.deploy("door", {"Resources": kept})
    name = aws.resources("door")["Provisioning"]
    assert name == "millrace-dev"
    assert aws.client("iot").create_provisioning_claim(templateName=name)["keyPair"]["PrivateKey"]
    assert aws.delete("door") == "DELETE_COMPLETE"


@pytest.fixture
def template(resources: dict[str, Any]) -> Iterator[str]:
    """The provisioning template's name. A device speaks MQTT, so IoT is asked in this process, without it."""
    made = resources["Provisioning"]["Properties"]
    with request_scope(ACCOUNT, REGION):
        provisioners._iot_policy_create("Device", {"PolicyName": "Device", "PolicyDocument": "{}"}, "door")
        name, _ = provisioners._iot_provisioning_template_create(
            "Provisioning",
            {
                "TemplateName": made["TemplateName"],
                "TemplateBody": made["TemplateBody"]["Fn::Sub"].replace("${Device}", "Device"),
                "Enabled": made["Enabled"],
                "ProvisioningRoleArn": f"arn:aws:iam::{ACCOUNT}:role/Provisioner",
            },
            "door",
        )
        yield name
    iot.reset()


def provision(template: str, **parameters: str) -> tuple[str, dict[str, Any]]:
    """What a device does with its claim: ask for a certificate, then register with it."""

    async def ask() -> tuple[str, dict[str, Any]]:
        _, made = await iot._fleet_provisioning_reply(ACCOUNT, REGION, "create", None, b"{}", {})
        request = {
            "certificateOwnershipToken": made["certificateOwnershipToken"],
            "parameters": parameters,
        }
        body = json.dumps(request).encode()
        reply: tuple[str, dict[str, Any]] = await iot._fleet_provisioning_reply(
            ACCOUNT, REGION, "provision", template, body, {}
        )
        return reply

    return asyncio.run(ask())


def test_a_device_gets_its_thing_its_place_and_its_policy_once(template: str) -> None:
    said, made = provision(template, Device="m17", **PLACE)
    assert (said, made.get("thingName")) == ("accepted", "m17"), made
    thing = dict(iot._things["m17"])
    assert thing["attributes"] == {"place": "acme/lon1/press/line2/cell4"}
    (certificate,) = iot._certificates.values()
    assert certificate["status"] == "ACTIVE"
    assert iot._policy_targets("Device") == [certificate["certificateArn"]]

    # When another device asks for the same name, from elsewhere
    said, made = provision(template, Device="m17", **(PLACE | {"Site": "lon2"}))

    # Then it gets nothing, and the first keeps its place.
    assert said == "rejected", made
    assert dict(iot._things["m17"]) == thing
    assert [made["status"] for made in iot._certificates.values()] == ["ACTIVE", "PENDING_ACTIVATION"]


def test_a_place_with_a_level_missing_is_refused(template: str) -> None:
    incomplete = {level: name for level, name in PLACE.items() if level != "Cell"}
    said, made = provision(template, Device="m18", **incomplete)
    assert (said, made["errorCode"]) == ("rejected", "InvalidParameters")
    assert "m18" not in iot._things

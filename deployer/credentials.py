"""Credentials that outlive a token: once AWS refuses them, they are looked up anew, as a new process would.

botocore keeps what a profile's file said when it was first read; a run of hours must see what
`aws sso login`, another tool or a person has written since. A process's environment cannot change.
"""

from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    Credentials,
    ReadOnlyCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from deployer.account import REJECTED

Lookup = Callable[[], Credentials | None]


class Renewing(Credentials):
    """What `lookup` finds, and finds again after a refusal."""

    def __init__(self, found: Credentials, lookup: Lookup) -> None:
        super().__init__("", "", method=found.method)  # each request asks for them frozen
        self._found: Credentials | None = found
        self._lookup = lookup

    def refused(self) -> None:
        """AWS did not take them: whoever asks next gets new ones."""
        self._found = None

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        """Raises NoCredentialsError, and what the provider does."""
        self._found = self._found or self._lookup()
        if self._found is None:
            raise NoCredentialsError
        try:
            return self._found.get_frozen_credentials()
        except (BotoCoreError, ClientError):  # those of a role or of SSO renew themselves, and could not
            self.refused()
            raise


class Renewable(CredentialProvider):
    """botocore's own chain of providers, asked through a session that has read nothing yet."""

    METHOD = CANONICAL_NAME = "renewable"

    def __init__(self, lookup: Lookup) -> None:
        super().__init__()
        self._lookup = lookup
        self._made: Renewing | None = None

    def load(self) -> Credentials | None:
        found = self._lookup()
        self._made = None if found is None else Renewing(found, self._lookup)
        return self._made

    def hear(self, **told: Any) -> None:
        """Of each answer: https://docs.aws.amazon.com/boto3/latest/guide/events.html"""
        if self._made is not None and told["parsed"].get("Error", {}).get("Code") in REJECTED:
            self._made.refused()


def session(profile: str | None, region: str) -> boto3.Session:
    """boto3's session, with such credentials. Raises ProfileNotFound."""

    def lookup() -> Credentials | None:
        return botocore.session.Session(profile=profile).get_credentials()

    provider = Renewable(lookup)
    own = botocore.session.Session()
    own.register_component("credential_provider", CredentialResolver([provider]))
    own.register("after-call", provider.hear)
    return boto3.Session(botocore_session=own, profile_name=profile, region_name=region)

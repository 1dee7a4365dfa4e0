"""The connection to ElastiCache: TLS, and a token of IAM in the place of a password."""

import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner
from redis import CredentialProvider, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from processor.settings import Settings

if TYPE_CHECKING:
    from botocore.credentials import Credentials

TOKEN_SECONDS = 900  # the longest that ElastiCache takes
CONNECT_SECONDS = 0.5  # the path to PostgreSQL waits for this, so it is short
ANSWER_SECONDS = 1.0


class CacheToken(CredentialProvider):
    """User and token for each new connection: a presigned `connect` request without its scheme.

    Source: ElastiCache's documentation, "Authenticating with IAM": GET
    http://<cache>/?Action=connect&User=<user>, signed with Signature Version 4 for the service elasticache,
    at most 900 s. The credentials are the task's.
    """

    def __init__(self, session: Session, cache: str, user: str, region: str) -> None:
        self._session = session
        self._cache = cache
        self._user = user
        self._region = region

    def get_credentials(self) -> tuple[str, str]:
        """(user, token); signed here, nothing is asked of the network but the task's role."""
        credentials: Credentials | None = self._session.get_credentials()
        if credentials is None:
            raise ConnectionError("no AWS credentials to sign the cache's token with; give the task a role")
        service = ServiceId("elasticache")
        events = self._session.get_component("event_emitter")
        signer = RequestSigner(service, self._region, "elasticache", "v4", credentials, events)
        query = urlencode({"Action": "connect", "User": self._user})
        request = {
            "method": "GET",
            "url": f"http://{self._cache}/?{query}",
            "body": {},
            "headers": {},
            "context": {},
        }
        url = signer.generate_presigned_url(
            request, operation_name="connect", region_name=self._region, expires_in=TOKEN_SECONDS
        )
        return self._user, url.removeprefix("http://")


def connect(settings: Settings) -> "Redis":
    """A client that connects at its first command. It never retries: latest.py decides when to try again."""
    return Redis(
        host=settings.cache_host,
        port=settings.cache_port,
        credential_provider=CacheToken(Session(), settings.cache_name, settings.cache_user, settings.region),
        ssl=True,
        ssl_cert_reqs="required",
        ssl_check_hostname=True,
        ssl_ca_certs=settings.cache_ca_file or None,
        ssl_min_version=ssl.TLSVersion.TLSv1_2,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # what every server from Redis 6 to Valkey 9 speaks
    )

"""The connection to ElastiCache: TLS, and a token of IAM in the place of a password.

A token is good for 15 minutes, and for a connection to begin with: each one gets a new token. A connection
itself is ended by ElastiCache after 12 hours, unless AUTH is sent on it again with a new token; here it is
left long before that, between two batches, as the database's session is.
https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html
"""

import ssl
import time
from collections.abc import Callable
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
LONGEST_SECONDS = 11 * 3600.0  # a connection's; ElastiCache ends it after 12 hours


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


class Cache:
    """What latest.py needs of the client, on a connection that is left for a new one when it is old.

    clock counts seconds; only differences matter.
    """

    def __init__(self, client: "Redis", lifetime: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._lifetime = lifetime
        self._clock = clock
        self._since = clock()

    def script_load(self, script: str) -> str:
        """As Redis's. Raises redis.RedisError."""
        self._leave_old()
        return str(self._client.script_load(script))

    def evalsha(self, sha: str, numkeys: int, *keys_and_args: str | bytes) -> object:
        """As Redis's. Raises redis.RedisError, NoScriptError among them."""
        self._leave_old()
        answer: object = self._client.evalsha(sha, numkeys, *keys_and_args)
        return answer

    def _leave_old(self) -> None:
        """The next command makes a connection, with a token of its own."""
        if self._clock() - self._since >= self._lifetime:
            self._client.connection_pool.disconnect()
            self._since = self._clock()


def connect(settings: Settings) -> Cache:
    """A client that connects at its first command. It never retries: latest.py decides when to try again."""
    client = Redis(
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
    return Cache(client, min(settings.session_minutes * 60, LONGEST_SECONDS))

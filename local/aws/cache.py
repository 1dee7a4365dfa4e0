"""ElastiCache's endpoints: those of the server that really listens. Upstream makes one up."""

from ministack.services import elasticache
from ministack.services.cloudformation import provisioners

from local.aws.embedded import CacheServer
from local.aws.stacks import Json
from local.aws.types import Made, complete


def install(server: CacheServer) -> None:
    def completed(physical_id: str, props: Json, attributes: Json) -> Made:
        group = elasticache._replication_groups[physical_id]
        endpoint = {"Address": server.host, "Port": server.port}
        for node_group in group.get("NodeGroups") or []:
            node_group["PrimaryEndpoint"] = dict(endpoint)
            node_group["ReaderEndpoint"] = dict(endpoint)
            for member in node_group.get("NodeGroupMembers") or []:
                member["ReadEndpoint"] = dict(endpoint)
        return physical_id, {**attributes, **provisioners._ec_rg_attrs(physical_id)}

    complete("AWS::ElastiCache::ReplicationGroup", completed)

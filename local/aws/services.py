"""ECS: a cluster's capacity providers, what containers are told, and services whose tasks nobody starts.

The running count is simulated: it follows the desired count and proves nothing. Whoever wants the task
to run reads the task definition and starts it, as `local/` does with the processor.
"""

from collections.abc import Callable

from ministack.services import ecs
from ministack.services.cloudformation import provisioners

from local.aws.patching import replace
from local.aws.stacks import Json
from local.aws.types import Made, called, register

ASSOCIATIONS = "AWS::ECS::ClusterCapacityProviderAssociations"


def install() -> None:
    register(
        ASSOCIATIONS,
        create=lambda logical_id, props, stack_name: _put(props),
        update=lambda physical_id, old, new: _put(new),
        delete=lambda physical_id, props: _clear(props),
        replacing=("Cluster",),
    )
    replace(provisioners._normalize_container_defs, _spelt(provisioners._normalize_container_defs))


def _spelt(upstream: Callable[[list[Json]], list[Json]]) -> Callable[[list[Json]], list[Json]]:
    """Secrets and dependencies as the API spells them too; upstream leaves them as the template does."""

    def definitions(containers: list[Json]) -> list[Json]:
        made = upstream(containers)
        for container in made:
            for name in container.keys() & {"secrets", "dependsOn"}:
                container[name] = provisioners._pascal_to_camel(container[name])
        return made

    return definitions


def _put(props: Json) -> Made:
    strategy = provisioners._pascal_to_camel(props.get("DefaultCapacityProviderStrategy") or [])
    wanted = {
        "cluster": props["Cluster"],
        "capacityProviders": props.get("CapacityProviders") or [],
        "defaultCapacityProviderStrategy": strategy,
    }
    called(ecs._put_cluster_capacity_providers(wanted), ASSOCIATIONS)
    return str(props["Cluster"]), {}


def _clear(props: Json) -> None:
    if ecs._resolve_cluster_name(props["Cluster"]) in ecs._clusters:
        _put({"Cluster": props["Cluster"]})

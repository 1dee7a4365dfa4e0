"""ECS: a cluster's capacity providers, and services whose tasks are counted and never started.

The running count is simulated: it follows the desired count and proves nothing. Whoever wants the task
to run reads the task definition and starts it, as `local/` does with the processor.
"""

from ministack.services import ecs
from ministack.services.cloudformation import provisioners

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

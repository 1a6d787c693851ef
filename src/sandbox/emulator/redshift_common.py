"""Redshift: what the additions share."""

from moto.redshift.models import ParameterGroup, redshift_backends

from emulator.wire import AwsError

FAMILIES = ("redshift-1.0", "redshift-2.0")
DEFAULT_FAMILY = "redshift-1.0"


def fault(code, message, status=400):
    return AwsError(code, message, status)


def backend(call):
    found = call.backend(redshift_backends)
    for family in FAMILIES:
        name = "default." + family
        if name not in found.parameter_groups:
            found.parameter_groups[name] = ParameterGroup(
                name, family, "Default parameter group for " + family, call.account, call.region
            )
    return found


def cluster_of(call):
    name = call["ClusterIdentifier"]
    cluster = backend(call).clusters.get(name)
    if cluster is None:
        raise fault("ClusterNotFound", f"Cluster {name} not found.", 404)
    return cluster


def more(thing):
    """What we remember of an object of moto."""
    return thing.__dict__.setdefault("dwctl", {})


def group_of(call, name):
    group = backend(call).parameter_groups.get(name)
    if group is None:
        raise fault("ClusterParameterGroupNotFound", f"Parameter group not found: {name}", 404)
    return group


def subnet_group_of(call, name):
    group = backend(call).subnet_groups.get(name)
    if group is None:
        raise fault("ClusterSubnetGroupNotFoundFault", f"Cluster Subnet Group: {name} not found.")
    return group


def schedule_of(call, name):
    found = call.state().setdefault("schedules", {}).get(name)
    if found is None:
        raise fault("SnapshotScheduleNotFound", f"Snapshot schedule {name} not found.")
    return found


def page(call, items, name, default=100):
    """One page, as MaxRecords and Marker ask.

    https://docs.aws.amazon.com/redshift/latest/APIReference/API_DescribeClusters.html
    """
    start = int(call.get("Marker") or 0)
    most = int(call.get("MaxRecords") or default)
    answer = {name: items[start : start + most]}
    if start + most < len(items):
        answer["Marker"] = str(start + most)
    return answer

"""EC2: VPC endpoints, whose filters, addresses, groups and DNS moto lacks or loses."""

import datetime
import re

from moto.ec2.models import ec2_backends

from emulator.wire import AwsError, extends


def more(endpoint):
    """What moto has no place for."""
    return endpoint.__dict__.setdefault("dwctl", {"IpAddressType": "ipv4", "DnsOptions": {"DnsRecordIpType": "ipv4"}})


def is_interface(endpoint):
    return endpoint.vpc_endpoint_type == "Interface"


def described(call, endpoint):
    created = endpoint.creation_timestamp
    shown = {
        "VpcEndpointId": endpoint.id,
        "VpcEndpointType": endpoint.vpc_endpoint_type,
        "VpcId": endpoint.vpc_id,
        "ServiceName": endpoint.service_name,
        "State": endpoint.state,
        "PolicyDocument": endpoint.policy_document,
        "RouteTableIds": list(endpoint.route_table_ids or []),
        "SubnetIds": list(endpoint.subnet_ids or []),
        "Groups": [{"GroupId": one} for one in endpoint.security_group_ids] if is_interface(endpoint) else [],
        "PrivateDnsEnabled": bool(endpoint.private_dns_enabled) and is_interface(endpoint),
        "NetworkInterfaceIds": list(endpoint.network_interface_ids),
        "DnsEntries": [
            {"DnsName": one.get("dns_name"), "HostedZoneId": one.get("hosted_zone_id")} for one in endpoint.dns_entries],
        "CreationTimestamp": created.replace(tzinfo=created.tzinfo or datetime.timezone.utc),
        "OwnerId": call.account,
        "Tags": [{"Key": one["key"], "Value": one["value"]} for one in endpoint.get_tags()],
    }
    if endpoint.vpc_endpoint_type != "Gateway":
        shown.update(more(endpoint))
    return shown


def matches(text, wanted):
    """`*` and `?` are wildcards, and a backslash escapes them."""
    pattern = re.sub(r"\\(.)|(.)", lambda found: re.escape(found[1]) if found[1] else
                     {"*": ".*", "?": "."}.get(found[2], re.escape(found[2])), wanted, flags=re.S)
    return re.fullmatch(pattern, text, re.S) is not None


def passes(shown, one):
    name, values = one["Name"], one["Values"]
    tags = {tag["Key"]: tag["Value"] for tag in shown["Tags"]}
    if name.startswith("tag:"):
        have = tags.get(name[4:])
    elif name in ("vpc-endpoint-id", "vpc-id", "service-name", "vpc-endpoint-type", "vpc-endpoint-state"):
        member = "State" if name.endswith("state") else "".join(part.capitalize() for part in name.split("-"))
        have = shown[member]
    else:
        raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid", 400)
    return have is not None and any(matches(have, value) for value in values)


@extends("ec2", "DescribeVpcEndpoints")
def describe_vpc_endpoints(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcEndpoints.html"""
    known = call.backend(ec2_backends).vpc_end_points
    ids = call.get("VpcEndpointIds") or list(known)
    missing = [one for one in ids if one not in known]
    if missing:
        raise AwsError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{missing[0]}' does not exist", 400)
    shown = [described(call, known[one]) for one in ids]
    return {"VpcEndpoints": [one for one in shown if all(passes(one, each) for each in call.get("Filters") or [])]}


def check_zones(call, subnets):
    zones = [one["AvailabilityZone"] for one in
             (call.ask("DescribeSubnets", {"SubnetIds": subnets})["Subnets"] if subnets else [])]
    twice = next((one for one in zones if zones.count(one) > 1), None)
    if twice:
        raise AwsError("DuplicateSubnetsInSameZone", f"Found another VPC endpoint subnet in the availability zone of "
                       f"{subnets[-1]}. VPC endpoint subnets should be in different availability zones", 400)


def default_group(call, vpc):
    found = call.ask("DescribeSecurityGroups", {"Filters": [
        {"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]})["SecurityGroups"]
    return [one["GroupId"] for one in found]


@extends("ec2", "CreateVpcEndpoint")
def create_vpc_endpoint(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"""
    backend = call.backend(ec2_backends)
    token = call.get("ClientToken")
    for one in backend.vpc_end_points.values():
        if token and one.client_token == token:
            return {"VpcEndpoint": described(call, one), "ClientToken": token}
    check_zones(call, call.get("SubnetIds") or [])
    made = call.moto({**call.params, "VpcEndpointType": call.get("VpcEndpointType", "Gateway")})
    endpoint = backend.vpc_end_points[made["VpcEndpoint"]["VpcEndpointId"]]
    if is_interface(endpoint) and not endpoint.security_group_ids:
        endpoint.security_group_ids = default_group(call, endpoint.vpc_id)
    for member in "IpAddressType", "DnsOptions":
        if call.get(member):
            more(endpoint)[member] = call[member]
    return {"VpcEndpoint": described(call, endpoint)}


@extends("ec2", "ModifyVpcEndpoint")
def modify_vpc_endpoint(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcEndpoint.html

    moto changes neither the network interfaces nor the routes with it.
    """
    backend = call.backend(ec2_backends)
    endpoint = backend.vpc_end_points.get(call["VpcEndpointId"])
    if endpoint is None or endpoint.state == "deleted":
        raise AwsError("InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{call['VpcEndpointId']}' does not exist",
                       400)
    leaving = set(call.get("RemoveSubnetIds") or [])
    come = [one for one in call.get("AddSubnetIds") or [] if one not in (endpoint.subnet_ids or [])]
    check_zones(call, [one for one in endpoint.subnet_ids or [] if one not in leaving] + come)
    call.moto()
    for eni in list(endpoint.network_interface_ids):
        if backend.enis[eni].subnet.id in leaving:
            backend.enis.pop(eni)
            endpoint.network_interface_ids.remove(eni)
    for subnet in come:
        endpoint.network_interface_ids.append(backend.create_network_interface(subnet, None).id)
    prefixes = endpoint.destination_prefix_list_id
    if prefixes:
        for table in call.get("AddRouteTableIds") or []:
            backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=prefixes)
        for table in call.get("RemoveRouteTableIds") or []:
            backend.delete_route(table, prefixes)
    if call.get("PrivateDnsEnabled") is not None:
        endpoint.private_dns_enabled = call["PrivateDnsEnabled"]
    for member in "IpAddressType", "DnsOptions":
        if call.get(member):
            more(endpoint)[member] = call[member]
    return {"Return": True}

"""EC2: Elastic IP addresses with pools and border groups, and NAT gateways that hold theirs."""

from moto.ec2.models import ec2_backends

from emulator.ec2_endpoints import matches
from emulator.wire import AwsError, extends


@extends("ec2", "AllocateAddress")
def allocate_address(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AllocateAddress.html"""
    answer = call.moto()
    known = call.state()
    known[answer["AllocationId"]] = {
        "PublicIpv4Pool": call.get("PublicIpv4Pool", "amazon"),
        "NetworkBorderGroup": call.get("NetworkBorderGroup", call.region),
    }
    return {**answer, **known[answer["AllocationId"]]}


@extends("ec2", "DescribeAddresses")
def describe_addresses(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAddresses.html"""
    answer = call.moto()
    for address in answer.get("Addresses", []):
        address.update(call.state().get(address.get("AllocationId"), {}))
    return answer


def gateways(call):
    return [one for one in call.backend(ec2_backends).nat_gateways.values() if one.state not in ("deleted", "failed")]


def allocations(gateway):
    return [one["allocationId"] for one in gateway.address_set if one.get("allocationId")]


@extends("ec2", "ReleaseAddress")
def release_address(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"""
    if any(call.get("AllocationId") in allocations(one) for one in gateways(call)):
        raise AwsError("InvalidIPAddress.InUse", f"Address {call['AllocationId']} is in use.", 400)
    return call.raw()


@extends("ec2", "DeleteNatGateway")
def delete_nat_gateway(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNatGateway.html

    The address is free again, and the network interface gone, which moto forgets.
    """
    backend = call.backend(ec2_backends)
    gateway = backend.nat_gateways.get(call["NatGatewayId"])
    answer = call.raw()
    for one in gateway.address_set if gateway is not None else []:
        backend.enis.pop(one["networkInterfaceId"], None)
    for address in backend.addresses:
        if gateway is not None and address.allocation_id in allocations(gateway):
            address.association_id = address.eni = address.instance = None
    return answer


@extends("ec2", "CreateNatGateway")
def create_nat_gateway(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html

    moto chooses the private address itself. A gateway whose address another one holds fails at AWS only afterwards.
    """
    backend = call.backend(ec2_backends)
    if any(call.get("AllocationId") in allocations(one) for one in gateways(call)):
        params = {name: value for name, value in call.params.items() if name != "AllocationId"}
        answer = call.moto({**params, "ConnectivityType": "private"})
        gateway = backend.nat_gateways[answer["NatGateway"]["NatGatewayId"]]
        gateway.state = answer["NatGateway"]["State"] = "failed"
        return answer
    answer = call.moto()
    if call.get("PrivateIpAddress"):
        gateway = backend.nat_gateways[answer["NatGateway"]["NatGatewayId"]]
        for address in gateway.address_set + answer["NatGateway"].get("NatGatewayAddresses", []):
            address["privateIp" if "privateIp" in address else "PrivateIp"] = call["PrivateIpAddress"]
    return answer


@extends("ec2", "DescribeNatGateways")
def describe_nat_gateways(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html

    moto takes no filter of tags.
    """
    wanted = [(one["Name"][4:], one["Values"]) for one in call.get("Filter") or [] if one["Name"].startswith("tag:")]
    answer = call.moto()

    def passes(gateway):
        tags = {tag["Key"]: tag["Value"] for tag in gateway.get("Tags", [])}
        return all(key in tags and any(matches(tags[key], value) for value in values) for key, values in wanted)

    shown = [one for one in answer.get("NatGateways", []) if passes(one)]
    for one in shown:
        if one["State"] == "failed":
            one.update(FailureCode="Resource.AlreadyAssociated", FailureMessage="The address is already associated")
    return {**answer, "NatGateways": shown}

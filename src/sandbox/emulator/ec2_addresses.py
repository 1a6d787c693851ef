"""EC2: Elastic IP addresses with pools and border groups, and NAT gateways that hold theirs."""

from moto.ec2.models import ec2_backends

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

    moto chooses the private address itself.
    """
    answer = call.moto()
    if call.get("PrivateIpAddress"):
        gateway = call.backend(ec2_backends).nat_gateways[answer["NatGateway"]["NatGatewayId"]]
        for address in gateway.address_set + answer["NatGateway"].get("NatGatewayAddresses", []):
            address["privateIp" if "privateIp" in address else "PrivateIp"] = call["PrivateIpAddress"]
    return answer

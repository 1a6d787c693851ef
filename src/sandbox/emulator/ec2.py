"""EC2: what cannot be deleted while it is in use, and all attributes of subnets."""

import re

from moto.ec2.models import ec2_backends
from moto.redshift.models import redshift_backends

from emulator.wire import AwsError, extends


def violation(text):
    return AwsError("DependencyViolation", text, 400)


def by(name, *values):
    return {"Filters": [{"Name": name, "Values": list(values)}]}


def clusters(call):
    """A cluster holds network interfaces in its VPC, which moto does not make."""
    return call.backend(redshift_backends).clusters.values()


@extends("ec2", "DeleteSubnet")
def delete_subnet(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSubnet.html"""
    subnet = call["SubnetId"]
    groups = call.backend(redshift_backends).subnet_groups
    used = call.ask("DescribeNetworkInterfaces", by("subnet-id", subnet)).get("NetworkInterfaces") or any(
        cluster.cluster_subnet_group_name in groups
        and subnet in groups[cluster.cluster_subnet_group_name].subnet_ids for cluster in clusters(call))
    if used:
        raise violation(f"The subnet '{subnet}' has dependencies and cannot be deleted.")
    return call.raw()


@extends("ec2", "DeleteSecurityGroup")
def delete_security_group(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    group = call.get("GroupId")
    if group is None:
        return call.raw()
    found = call.ask("DescribeSecurityGroups", {"GroupIds": [group]})["SecurityGroups"][0]
    if found["GroupName"] == "default":
        raise AwsError("CannotDelete", f'the specified group: "{group}" name: "default" cannot be deleted by a '
                       "user", 400)
    others = [one for one in call.ask("DescribeSecurityGroups").get("SecurityGroups", [])
              if one["GroupId"] != group]
    named = any(pair.get("GroupId") == group for one in others
                for permission in one.get("IpPermissions", []) + one.get("IpPermissionsEgress", [])
                for pair in permission.get("UserIdGroupPairs", []))
    used = call.ask("DescribeNetworkInterfaces", by("group-id", group)).get("NetworkInterfaces") or any(
        group in cluster.vpc_security_group_ids for cluster in clusters(call))
    if named or used:
        raise violation(f"resource {group} has a dependent object")
    return call.raw()


@extends("ec2", "DeleteVpc")
def delete_vpc(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteVpc.html"""
    vpc = call["VpcId"]
    inside = by("vpc-id", vpc)
    call.ask("DescribeVpcs", {"VpcIds": [vpc]})
    groups = [one for one in call.ask("DescribeSecurityGroups", inside).get("SecurityGroups", [])
              if one["GroupName"] != "default"]
    tables = [one for one in call.ask("DescribeRouteTables", inside).get("RouteTables", [])
              if not any(each.get("Main") for each in one.get("Associations", []))]
    walls = [one for one in call.ask("DescribeNetworkAcls", inside).get("NetworkAcls", [])
             if not one.get("IsDefault")]
    gates = call.ask("DescribeInternetGateways", by("attachment.vpc-id", vpc)).get("InternetGateways")
    ends = [one for one in call.ask("DescribeVpcEndpoints", inside).get("VpcEndpoints", [])
            if one.get("State") not in ("deleted", "deleting")]
    if groups or tables or walls or gates or ends or call.ask("DescribeSubnets", inside).get("Subnets"):
        raise violation(f"The vpc '{vpc}' has dependencies and cannot be deleted.")
    return call.raw()


@extends("ec2", "ModifySubnetAttribute")
def modify_subnet_attribute(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifySubnetAttribute.html"""
    call.ask("DescribeSubnets", {"SubnetIds": [call["SubnetId"]]})
    subnet = call.backend(ec2_backends).get_subnet(call["SubnetId"])
    options = subnet.private_dns_name_options_on_launch
    known = subnet.__dict__.setdefault("dwctl", {})

    def flag(name):
        return (call.get(name) or {}).get("Value")

    if call.get("PrivateDnsHostnameTypeOnLaunch"):
        options["HostnameType"] = call["PrivateDnsHostnameTypeOnLaunch"]
    for name, option in (("EnableResourceNameDnsARecordOnLaunch", "EnableResourceNameDnsARecord"),
                         ("EnableResourceNameDnsAAAARecordOnLaunch", "EnableResourceNameDnsAAAARecord")):
        if flag(name) is not None:
            options[option] = flag(name)
    for name, attribute in (("MapPublicIpOnLaunch", "map_public_ip_on_launch"),
                            ("AssignIpv6AddressOnCreation", "assign_ipv6_address_on_creation")):
        if flag(name) is not None:
            setattr(subnet, attribute, flag(name))
    if flag("EnableDns64") is not None:
        known["EnableDns64"] = flag("EnableDns64")
    if call.get("EnableLniAtDeviceIndex") is not None:
        known["EnableLniAtDeviceIndex"] = call["EnableLniAtDeviceIndex"]
    return {}


def plain_states(subnet):
    """moto writes the state of a block of IPv6 addresses as the text of a structure."""
    for block in subnet.get("Ipv6CidrBlockAssociationSet", []):
        state = block.get("Ipv6CidrBlockState", {})
        found = re.fullmatch(r"\{'State': '([a-z]+)'\}", state.get("State", ""))
        if found:
            state["State"] = found.group(1)


@extends("ec2", "CreateSubnet")
def create_subnet(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html"""
    answer = call.moto()
    plain_states(answer["Subnet"])
    return answer


@extends("ec2", "DescribeSubnets")
def describe_subnets(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html"""
    answer = call.moto()
    for shown in answer.get("Subnets", []):
        plain_states(shown)
        subnet = call.backend(ec2_backends).get_subnet(shown["SubnetId"])
        shown.setdefault("EnableDns64", False)
        shown.update(getattr(subnet, "dwctl", {}))
        options = shown.setdefault("PrivateDnsNameOptionsOnLaunch", {})
        options.setdefault("EnableResourceNameDnsAAAARecord", False)
        # moto shows the associated ones alone, and their state as the text of a dictionary.
        for association in shown.get("Ipv6CidrBlockAssociationSet", []):
            association["Ipv6CidrBlockState"] = {"State": "associated"}
    return answer


def described(call, group, egress):
    """The rules that permissions name, by their ids, with the descriptions they are to have."""
    shown = call.ask("DescribeSecurityGroupRules", by("group-id", group.id)).get("SecurityGroupRules", [])
    wanted = []
    for permission in call.get("IpPermissions", []):
        peers = [("CidrIpv4", one.get("CidrIp"), one) for one in permission.get("IpRanges", [])]
        peers += [("CidrIpv6", one.get("CidrIpv6"), one) for one in permission.get("Ipv6Ranges", [])]
        peers += [("PrefixListId", one.get("PrefixListId"), one) for one in permission.get("PrefixListIds", [])]
        peers += [("Group", one.get("GroupId"), one) for one in permission.get("UserIdGroupPairs", [])]
        for name, peer, one in peers:
            ids = [
                rule["SecurityGroupRuleId"] for rule in shown
                if rule["IsEgress"] == egress and rule["IpProtocol"] == permission["IpProtocol"]
                and (permission["IpProtocol"] == "-1" or all(
                    rule.get(port) == permission.get(port) for port in ("FromPort", "ToPort")))
                and peer == (rule.get("ReferencedGroupInfo", {}).get("GroupId") if name == "Group" else rule.get(name))
            ]
            if not ids:
                raise AwsError("InvalidPermission.NotFound",
                               "The specified rule does not exist in this security group.", 400)
            wanted += [{"SecurityGroupRuleId": each, "Description": one.get("Description")} for each in ids]
    return wanted


@extends("ec2", "UpdateSecurityGroupRuleDescriptionsIngress", "UpdateSecurityGroupRuleDescriptionsEgress")
def rule_descriptions(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UpdateSecurityGroupRuleDescriptionsIngress.html

    moto knows only permissions, and of these only ranges of addresses.
    """
    group = call.backend(ec2_backends).get_security_group_from_id(call["GroupId"])
    if group is None:
        raise AwsError("InvalidGroup.NotFound", f"The security group '{call['GroupId']}' does not exist", 400)
    egress = call.operation.endswith("Egress")
    wanted = call.get("SecurityGroupRuleDescriptions") or described(call, group, egress)
    rules = {rule.id: rule for rule in (group.egress_rules if egress else group.ingress_rules)}
    for one in wanted:
        rule = rules.get(one.get("SecurityGroupRuleId"))
        if rule is None:
            raise AwsError("InvalidSecurityGroupRuleId.NotFound",
                           f"The security group rule ID '{one.get('SecurityGroupRuleId')}' does not exist", 400)
        for source in rule.ip_range, rule.source_group, rule.prefix_list_id:
            if not source:
                continue
            source.pop("Description", None)
            if one.get("Description"):
                source["Description"] = one["Description"]
    return {"Return": True}


@extends("ec2", "DescribeSecurityGroupRules")
def describe_rules(call):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSecurityGroupRules.html"""
    answer = call.moto()
    backend = call.backend(ec2_backends)
    for shown in answer.get("SecurityGroupRules", []):
        group = backend.get_security_group_from_id(shown["GroupId"])
        rule = group.get_rule(shown["SecurityGroupRuleId"]) if group else None
        source = getattr(rule, "source_group", None) or {}
        if source.get("Description"):
            shown["Description"] = source["Description"]
        if shown.get("ReferencedGroupInfo"):
            shown["ReferencedGroupInfo"].setdefault("UserId", call.account)
        if shown.get("IpProtocol") == "-1":
            shown["FromPort"] = shown["ToPort"] = -1
        shown["SecurityGroupRuleArn"] = (
            f"arn:{call.partition}:ec2:{call.region}:{call.account}:security-group-rule/{shown['SecurityGroupRuleId']}")
    return answer

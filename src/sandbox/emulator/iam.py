"""IAM: documents that are checked, and what cannot be deleted while it is in use."""

from moto.iam.access_control import IAMPolicyStatement, PermissionResult
from moto.iam.models import iam_backends

from emulator import documents
from emulator.wire import AwsError, extends


def bad(text):
    return AwsError("MalformedPolicyDocument", text, 400)


def conflict(text):
    return AwsError("DeleteConflict", text, 409)


def trust(text):
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
    for one in documents.statements(documents.parse(text, bad), bad):
        if "Resource" in one or "NotResource" in one:
            raise bad("Has prohibited field Resource")
        if "Principal" not in one and "NotPrincipal" not in one:
            raise bad("Missing required field Principal")
        actions = one.get("Action", [])
        for action in [actions] if isinstance(actions, str) else actions:
            if action != "*" and not action.lower().startswith("sts:"):
                raise bad("AssumeRole policy may only specify STS AssumeRole actions.")


@extends("iam", "CreateRole", "UpdateAssumeRolePolicy")
def trust_policy(call):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html"""
    trust(call.get("AssumeRolePolicyDocument") or call.get("PolicyDocument"))
    return call.raw()


@extends("iam", "DeleteRole")
def delete_role(call):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteRole.html"""
    role = {"RoleName": call["RoleName"]}
    if call.ask("ListAttachedRolePolicies", role).get("AttachedPolicies"):
        raise conflict("Cannot delete entity, must detach all policies first.")
    if call.ask("ListRolePolicies", role).get("PolicyNames"):
        raise conflict("Cannot delete entity, must delete policies first.")
    if call.ask("ListInstanceProfilesForRole", role).get("InstanceProfiles"):
        raise conflict("Cannot delete entity, must remove roles from instance profile first.")
    return call.raw()


@extends("iam", "DeletePolicy")
def delete_policy(call):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""
    policy = call.ask("GetPolicy", {"PolicyArn": call["PolicyArn"]})["Policy"]
    if policy.get("AttachmentCount") or policy.get("PermissionsBoundaryUsageCount"):
        raise conflict("Cannot delete a policy attached to entities.")
    if len(call.ask("ListPolicyVersions", {"PolicyArn": call["PolicyArn"]}).get("Versions", [])) > 1:
        raise conflict("This policy has more than one version. Before you delete a policy, you must delete the "
                       "policy's versions. The default version is deleted with the policy.")
    return call.raw()


@extends("iam", "CreatePolicyVersion")
def create_policy_version(call):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html"""
    versions = call.ask("ListPolicyVersions", {"PolicyArn": call["PolicyArn"]}).get("Versions", [])
    if len(versions) >= 5:
        raise AwsError("LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new "
                       "version, you must delete an existing version.", 409)
    return call.raw()


_is_action_permitted = IAMPolicyStatement.is_action_permitted


def is_action_permitted(self, *arguments, **named):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

    A statement applies only where its condition is met; moto takes an unmet one for a
    denial, so that "no requests without TLS" would deny all. Its conditions know next to
    no key, so a denial under a condition is left out.
    """
    if self._statement.get("Effect") == "Deny" and self._statement.get("Condition"):
        return PermissionResult.NEUTRAL
    return _is_action_permitted(self, *arguments, **named)


IAMPolicyStatement.is_action_permitted = is_action_permitted


@extends("iam", "GetAccountAuthorizationDetails")
def account_details(call):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html

    AWS's own examples of it have no description of a policy, though the type has one.
    """
    answer = call.moto()
    policies = iam_backends[call.account]["aws"].managed_policies
    for listed in answer.get("Policies", []):
        policy = policies[listed["Arn"]]
        listed.pop("Description", None)
        listed["PolicyName"], listed["PolicyId"] = policy.name, policy.id
    return answer

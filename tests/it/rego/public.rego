# Nobody lets the whole world in.
package main

import rego.v1

deny contains message if {
	change := input.resource_changes[_]
	change.type == "aws_s3_bucket_policy"
	statement := json.unmarshal(change.change.after.policy).Statement[_]
	statement.Effect == "Allow"
	everybody(statement.Principal)
	message := sprintf("%s lets everybody in", [change.address])
}

everybody(principal) if {
	principal == "*"
}

everybody(principal) if {
	principal.AWS == "*"
}

deny contains message if {
	change := input.resource_changes[_]
	change.type == "aws_s3_bucket_public_access_block"
	some switch in ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"]
	change.change.after[switch] == false
	message := sprintf("%s: %s is off", [change.address, switch])
}

deny contains message if {
	change := input.resource_changes[_]
	change.type == "aws_security_group"
	"0.0.0.0/0" in change.change.after.ingress[_].cidr_blocks
	message := sprintf("%s is open to the internet", [change.address])
}

# What holds data is neither deleted nor made anew.
package main

import rego.v1

stores := {"aws_s3_bucket", "aws_redshift_cluster", "aws_cloudwatch_log_group", "aws_secretsmanager_secret", "aws_kms_key"}

deny contains message if {
	change := input.resource_changes[_]
	stores[change.type]
	change.change.actions[_] == "delete"
	message := sprintf("%s holds data and is to be %s", [change.address, fate(change.change.actions)])
}

fate(actions) := "deleted" if {
	actions == ["delete"]
}

fate(actions) := "replaced" if {
	"create" in actions
}

# The blast radius of a plan: a weight for each change, and what may go through by itself.
package terraform.analysis

import rego.v1

import input as plan

weights := {
	"aws_redshift_cluster": {"delete": 100, "create": 10, "update": 5},
	"aws_glue_job": {"delete": 10, "create": 1, "update": 1},
}

score := sum([weight |
	some change in plan.resource_changes
	some action in change.change.actions
	weight := weights[change.type][action]
])

touched contains change.type if {
	some change in plan.resource_changes
	change.change.actions != ["no-op"]
}

touches_iam if {
	some type in touched
	startswith(type, "aws_iam_")
}

default authorised := false

authorised if {
	score < 30
	not touches_iam
}

# What can be tagged says which team it belongs to.
package main

import rego.v1

deny contains message if {
	change := input.resource_changes[_]
	change.mode == "managed"
	some action in change.change.actions
	action in {"create", "update"}

	# Tags may be known after the apply only.
	not change.change.after_unknown.tags_all == true
	tags := change.change.after.tags_all
	not tags.team
	message := sprintf("%s has no tag `team`", [change.address])
}

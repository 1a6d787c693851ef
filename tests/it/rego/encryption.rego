# Every bucket that is there after the plan is encrypted with a KMS key.
package main

import rego.v1

deny contains message if {
	some bucket in input.planned_values.root_module.resources
	bucket.type == "aws_s3_bucket"
	not encrypted(bucket.values.bucket)
	message := sprintf("%s is not encrypted with a KMS key", [bucket.address])
}

encrypted(name) if {
	some one in input.planned_values.root_module.resources
	one.type == "aws_s3_bucket_server_side_encryption_configuration"
	one.values.bucket == name
	one.values.rule[_].apply_server_side_encryption_by_default[_].sse_algorithm in {"aws:kms", "aws:kms:dsse"}
}

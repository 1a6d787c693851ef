"""The errors that AWS's models name, for those of a few operations: JSON on stdin, `{"glue": ["CreateJob", ...]}` by
the name of the SDK's crate, and JSON on stdout, `{"glue": {"EntityNotFoundException": 400, ...}}`: each code as it
comes over the wire, with its HTTP status where the model tells it.

Needs botocore's data files: run it with the Python of the emulator.
"""
import json
import sys

import models

answer = {}
for crate, operations in json.load(sys.stdin).items():
    model = models.of(crate)
    # Of the services that speak XML, the code in the answer has a name of its own.
    named = model.metadata["protocol"] in ("query", "ec2", "rest-xml")
    codes = answer.setdefault(crate, {})
    for operation in set(operations) & set(model.operation_names):
        for shape in model.operation_model(operation).error_shapes:
            told = shape.metadata.get("error", {})
            codes[told.get("code", shape.name) if named else shape.name] = told.get("httpStatusCode")
json.dump(answer, sys.stdout)

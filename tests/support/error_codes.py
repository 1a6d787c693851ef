"""The errors that AWS's models name, for those of a few operations: JSON on stdin, `{"glue": ["CreateJob", ...]}`
by the name of the service in botocore, and JSON on stdout, `{"glue": {"EntityNotFoundException": 400, ...}}`: each
code as it comes over the wire, with its HTTP status where the model tells it.

Needs botocore's data files: run it with the Python of the emulator.
"""
import json
import sys

from botocore.loaders import Loader

loader = Loader()
answer = {}
for service, operations in json.load(sys.stdin).items():
    model = loader.load_service_model(service, "service-2")
    # Of the services that speak XML, the code in the answer has a name of its own.
    named = model["metadata"]["protocol"] in ("query", "ec2", "rest-xml")
    codes = answer.setdefault(service, {})
    for operation in operations:
        for error in model["operations"].get(operation, {}).get("errors", []):
            told = model["shapes"][error["shape"]].get("error", {})
            codes[told.get("code", error["shape"]) if named else error["shape"]] = told.get("httpStatusCode")
json.dump(answer, sys.stdout)

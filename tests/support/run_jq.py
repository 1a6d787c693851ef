"""`jq`, as far as the workflows use it: jq [--arg NAME VALUE] FILTER [FILE]; text is told raw, as `gh --jq` does."""
import json
import sys

import jq

arguments = sys.argv[1:]
named = {}
if arguments[0] == "--arg":
    named[arguments[1]] = arguments[2]
    arguments = arguments[3:]
with open(arguments[1], encoding="utf-8") if len(arguments) > 1 else sys.stdin as file:
    document = json.load(file)
for answer in jq.compile(arguments[0], args=named).input_value(document).all():
    print(answer if isinstance(answer, str) else json.dumps(answer))

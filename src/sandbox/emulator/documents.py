"""What AWS checks of a policy document before it takes it."""

import json


def parse(text, bad):
    """The document as a value; `bad` makes the error for what is not one."""
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    try:
        document = json.loads(text)
    except (TypeError, ValueError):
        raise bad("This policy contains invalid Json")
    if not isinstance(document, dict):
        raise bad("Syntax errors in policy.")
    return document


def statements(document, bad):
    found = document.get("Statement")
    found = [found] if isinstance(found, dict) else found
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise bad("Syntax errors in policy.")
    for one in found:
        if one.get("Effect") not in ("Allow", "Deny"):
            raise bad("Syntax errors in policy: Effect must be Allow or Deny.")
        if "Action" not in one and "NotAction" not in one:
            raise bad("Missing required field Action")
    return found


def resource_policy(text, bad):
    """A policy on a resource: every statement names its principals."""
    document = parse(text, bad)
    for one in statements(document, bad):
        if "Principal" not in one and "NotPrincipal" not in one:
            raise bad("Missing required field Principal")
    return document

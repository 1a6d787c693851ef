"""Between AWS's wire and plain values, by botocore's own service models.

The extension sits in front of moto as a WSGI layer. A request is told apart by
service and operation; where an operation is extended, its parameters are read
by the model, the addition runs, and its answer is checked against the model and
written in the protocol that the client speaks. Everything else goes to moto as
it came. Additions may ask moto itself, with the same parameters or others.
"""

import copy
import datetime
import functools
import gzip
import io
import json
import re
import sys
import threading
import traceback
import urllib.parse
import zlib

import botocore.parsers
import botocore.serialize
from moto.core.errors import get_error_model
from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from emulator import additions, cbor

# Signing names that are not botocore's service names.
SERVICES = {
    "elasticloadbalancing": "elbv2",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}
# Deprecated operations that share their address with what replaced them.
REPLACED = {
    "PutBucketLifecycle": "PutBucketLifecycleConfiguration",
    "GetBucketLifecycle": "GetBucketLifecycleConfiguration",
    "PutBucketNotification": "PutBucketNotificationConfiguration",
    "GetBucketNotification": "GetBucketNotificationConfiguration",
}
CBOR_PATH = re.compile(r"^/service/GraniteServiceVersion20100801/operation/([A-Za-z]+)/?$")

_HANDLERS = {}
_LOCKS = {}
_STATE = {}


class AwsError(ServiceException):
    """An error that AWS documents: code, message and HTTP status."""

    def __init__(self, code, message, status=None, **members):
        super().__init__(code, message)
        self.status = status
        for name, value in members.items():
            setattr(self, name, value)


class Raw:
    """An answer as moto gave it: status, headers, body."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def is_html(self):
        return self.status >= 400 and (
            self.header("content-type").startswith("text/html") or self.body[:9].lower() == b"<!doctype"
        )


def extends(service, *operations):
    """Marks a function as the answer to operations; its docstring names AWS's page."""

    def mark(function):
        if "docs.aws.amazon.com" not in (function.__doc__ or ""):
            raise TypeError(f"{function.__name__} names no page of AWS's documentation")
        for operation in operations:
            model(service).operation_model(operation)  # an unknown operation is a slip
            _HANDLERS[service, operation] = function
        return function

    return mark


def handler_of(service, operation):
    """The addition for an operation. A service's additions are loaded when it is first asked for:
    models are large, and most runs need few of them."""
    additions.load(service)
    return _HANDLERS.get((service, operation))


@functools.lru_cache(maxsize=None)
def model(service):
    """botocore's model of a service, or None."""
    try:
        return get_service_model(service)
    except Exception:
        return None


def forget():
    """Drops what the additions remember, as moto's reset drops its own."""
    _STATE.clear()


def now():
    return datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)


class Call:
    """One request to an extended operation."""

    def __init__(self, gateway, environ, service, operation, protocol, params, body, account, region):
        self.gateway, self.environ, self.body = gateway, environ, body
        self.service, self.operation, self.protocol = service, operation, protocol
        self.params, self.account, self.region = params, account, region

    def __getitem__(self, name):
        return self.params[name]

    @property
    def partition(self):
        """`aws`, or what the region's ARNs begin with instead."""
        return get_partition(self.region)

    def get(self, name, default=None):
        value = self.params.get(name)
        return default if value is None else value

    def moto(self, params=None):
        """moto's answer to this operation, or to it with other parameters."""
        if params is None and self.protocol != "cbor":
            # moto answers in the protocol of the request, of which a service may have several.
            return self._read(self.raw(), self.operation, protocol=self.protocol)
        return self.ask(self.operation, self.params if params is None else params)

    def raw(self):
        """moto's answer to the request as it came, unread."""
        return self.gateway.forward(self.environ, self.body)

    def ask(self, operation, params=None, service=None):
        """moto's answer to another operation of the same account and region."""
        service = service or self.service
        raw = self.gateway.forward(*self._request(service, operation, params or {}))
        return self._read(raw, operation, service)

    def call(self, operation, params=None, service=None):
        """As `ask`, with what the additions make of it."""
        service = service or self.service
        handler = handler_of(service, operation)
        if handler is None:
            return self.ask(operation, params, service)
        environ, body = self._request(service, operation, params or {})
        protocol = "json" if model(service).protocol == "smithy-rpc-v2-cbor" else model(service).protocol
        inner = Call(
            self.gateway, environ, service, operation, protocol, params or {}, body, self.account, self.region
        )
        return handler(inner)

    def state(self, make=dict, region=None, service=None):
        """What the additions of this service remember for this account and region."""
        key = (service or self.service, self.account, region or self.region)
        return _STATE.setdefault(key, make())

    def backend(self, backends, region=None):
        """moto's backend of this account and region."""
        return backends[self.account][region or self.region]

    def _request(self, service, operation, params):
        described = model(service).operation_model(operation)
        protocol = "json" if "json" in (described.service_model.metadata.get("protocols") or []) else None
        protocol = protocol or described.service_model.protocol
        made = botocore.serialize.create_serializer(protocol, include_validation=False).serialize_to_request(
            params, described
        )
        body = made["body"]
        headers = dict(made["headers"])
        if isinstance(body, dict):
            body = urllib.parse.urlencode(body)
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
        body = body.encode("utf-8") if isinstance(body, str) else body
        query = made["query_string"]
        if isinstance(query, dict):
            query = urllib.parse.urlencode(query, doseq=True)
        path, _, literal = made["url_path"].partition("?")
        query = "&".join(part for part in (literal, query) if part)
        signing = described.service_model.signing_name
        environ = {
            key: value
            for key, value in self.environ.items()
            if not key.startswith("HTTP_")
            and key not in ("CONTENT_TYPE", "CONTENT_LENGTH")
            or key in ("HTTP_HOST", "HTTP_X_MOTO_ACCOUNT_ID")
        }
        access_key = _access_key(self.environ) or "AKIAIOSFODNN7EXAMPLE"
        environ.update(
            REQUEST_METHOD=made["method"],
            PATH_INFO=urllib.parse.unquote(path),
            RAW_URI=path + ("?" + query if query else ""),
            REQUEST_URI=path + ("?" + query if query else ""),
            QUERY_STRING=query,
            HTTP_AUTHORIZATION=(
                f"AWS4-HMAC-SHA256 Credential={access_key}/20300101/{self.region}/{signing}/aws4_request, "
                "SignedHeaders=host, Signature=0"
            ),
        )
        for name, value in headers.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
        environ.pop("werkzeug.request", None)
        return environ, body

    def _read(self, raw, operation, service=None, protocol=None):
        described = model(service or self.service).operation_model(operation)
        if raw.is_html():
            if raw.status >= 500 and b"NotImplementedError" not in raw.body and raw.status != 501:
                raise AwsError("InternalFailure", raw.body[:400].decode("utf-8", "replace"), 500)
            raise not_implemented(operation)
        service_model = described.service_model
        protocol = protocol or service_model.protocol
        if protocol == "smithy-rpc-v2-cbor":
            protocol = "json"
        headers = {key.lower(): value for key, value in raw.headers}
        answer = {"status_code": raw.status, "headers": headers, "body": raw.body}
        parsed = botocore.parsers.create_parser(protocol).parse(answer, described.output_shape)
        if raw.status >= 300 and "Error" in parsed:
            error = parsed["Error"]
            members = {
                key: value for key, value in parsed.items() if key not in ("Error", "ResponseMetadata", "message")
            }
            raise AwsError(error.get("Code", ""), error.get("Message", ""), raw.status, **members)
        parsed.pop("ResponseMetadata", None)
        return parsed


def not_implemented(operation):
    return AwsError("NotImplemented", f"The sandbox does not implement {operation}.", 501)


def _access_key(environ):
    found = re.search(r"Credential=([^/,\s]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    return found.group(1) if found else ""


def _account(environ):
    from moto.iam.models import get_account_id_from

    named = environ.get("HTTP_X_MOTO_ACCOUNT_ID")
    return named or get_account_id_from(_access_key(environ) or "AKIAEXAMPLE")


def check(value, shape, path=""):
    """Refuses an answer that holds what AWS's model does not."""
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        for name, item in value.items():
            if name not in shape.members:
                raise AssertionError(f"{path}.{name} is not in the model")
            if item is not None:
                check(item, shape.members[name], f"{path}.{name}")
    elif kind == "list" and isinstance(value, (list, tuple)):
        for item in value:
            check(item, shape.member, path + "[]")
    elif kind == "map" and isinstance(value, dict):
        for item in value.values():
            check(item, shape.value, path + "{}")


class Gateway:
    """The WSGI application: additions first, moto behind them."""

    def __init__(self, moto_app):
        self.moto_app = moto_app

    def __call__(self, environ, start_response):
        body = read_body(environ)
        try:
            raw = self.answer(environ, body)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raw = Raw(
                500,
                [("Content-Type", "application/json")],
                json.dumps({"__type": "InternalFailure", "message": repr(error)}).encode(),
            )
        headers = [(key, value) for key, value in raw.headers if key.lower() != "transfer-encoding"]
        if not any(key.lower() == "content-length" for key, _ in headers) and raw.status not in (204, 304):
            headers.append(("Content-Length", str(len(raw.body))))
        start_response(f"{raw.status} {_REASONS.get(raw.status, 'Status')}", headers)
        return [raw.body] if environ.get("REQUEST_METHOD") != "HEAD" else [b""]

    def forward(self, environ, body):
        """moto's answer; a request is copied, since moto reads the environment up."""
        inner = {key: value for key, value in environ.items() if not key.startswith("werkzeug.")}
        inner["wsgi.input"] = io.BytesIO(body)
        inner["CONTENT_LENGTH"] = str(len(body))
        inner.pop("HTTP_TRANSFER_ENCODING", None)
        inner.pop("wsgi.input_terminated", None)
        seen = {}

        def start_response(status, headers, _info=None):
            seen["status"], seen["headers"] = int(status.split(" ", 1)[0]), list(headers)
            return lambda _data: None

        try:
            try:
                moto_app = self.moto_app.get_application(inner)
            except Exception:  # a service that moto does not know at all
                return Raw(501, [("Content-Type", "text/html")], b"NotImplementedError")
            chunks = moto_app(inner, start_response)
            try:
                data = b"".join(chunks)
            finally:
                if hasattr(chunks, "close"):
                    chunks.close()
        except NotImplementedError:
            return Raw(501, [("Content-Type", "text/html")], b"NotImplementedError")
        return Raw(seen["status"], seen["headers"], data)

    def identify(self, environ, body):
        """(service, region, operation, protocol) of a request; None where not told."""
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        found = re.search(r"Credential=[^/,\s]+/\d+/([^/]+)/([^/]+)/aws4_request", authorization)
        if not found:
            return None, "us-east-1", None, None
        region, signing = found.groups()
        service = SERVICES.get(signing, signing)
        bridged = CBOR_PATH.match(environ.get("PATH_INFO", ""))
        if bridged:
            return "cloudwatch", region, bridged.group(1), "cbor"
        described = model(service)
        if described is None:
            return service, region, None, None
        content_type = environ.get("CONTENT_TYPE", "")
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target:
            return service, region, target.rsplit(".", 1)[-1], "json"
        if described.protocol in ("rest-xml", "rest-json"):
            inner = {key: value for key, value in environ.items() if not key.startswith("werkzeug.")}
            inner["wsgi.input"] = io.BytesIO(b"")
            inner["CONTENT_LENGTH"] = "0"
            try:
                operation, uri = get_service_router(service).match(Request(inner))
            except Exception:
                return service, region, None, described.protocol
            environ["dwctl.uri"] = uri
            return service, region, REPLACED.get(operation.name, operation.name), described.protocol
        if content_type.startswith("application/x-www-form-urlencoded"):
            action = re.search(rb"(?:^|&)Action=([A-Za-z0-9]+)", body)
            protocol = "ec2" if described.protocol == "ec2" else "query"
            return service, region, action.group(1).decode() if action else None, protocol
        return service, region, None, described.protocol

    def answer(self, environ, body):
        service, region, operation, protocol = self.identify(environ, body)
        raw = self.answered(environ, body, service, region, operation, protocol)
        if environ.get("REQUEST_METHOD") == "HEAD" and raw.status in (301, 400, 403, 404):
            # The answer has no body to tell it apart from a page for people; S3 calls it XML.
            raw.headers = [(key, value) for key, value in raw.headers if key.lower() != "content-type"]
            raw.headers.append(("Content-Type", "application/xml"))
        root = S3_ROOTS.get(operation) if service == "s3" and raw.status == 200 else None
        if root:
            for opening in (b"<", b"</"):
                raw.body = raw.body.replace(opening + operation.encode() + b"Response", opening + root.encode())
            raw.headers = [(key, value) for key, value in raw.headers if key.lower() != "content-length"]
        return raw

    def answered(self, environ, body, service, region, operation, protocol):
        handler = handler_of(service, operation)
        if protocol == "cbor" or handler is not None:
            try:
                described = model(service).operation_model(operation)
            except Exception:
                return self.failure(service, None, protocol, not_implemented(operation))
            try:
                params = self.parse(environ, body, described, protocol)
            except Exception as error:
                fault = AwsError("SerializationException", f"the request cannot be read: {error}", 400)
                if service == "s3":
                    fault = AwsError("MalformedXML", "The XML you provided was not well-formed or did not "
                                     "validate against our published schema", 400)
                return self.failure(service, described, protocol, fault)
            account = _account(environ)
            call = Call(self, environ, service, operation, protocol, params, body, account, region)
            try:
                if handler is None:
                    result = call.moto()
                elif environ.get("REQUEST_METHOD") in ("GET", "HEAD") or protocol == "rest-xml" and len(body) > 1 << 20:
                    result = handler(call)
                else:
                    with _LOCKS.setdefault(service, threading.RLock()):
                        result = handler(call)
                if isinstance(result, Raw):
                    return result
                return self.success(service, described, protocol, result or {})
            except ServiceException as error:
                return self.failure(service, described, protocol, error)
            except Exception as error:  # a fault of the emulator must not look like AWS's
                traceback.print_exc(file=sys.stderr)
                fault = AwsError("InternalFailure", "the emulator failed: " + repr(error), 500)
                return self.failure(service, described, protocol, fault)
        raw = self.forward(environ, body)
        if environ.get("REQUEST_METHOD") == "HEAD" and raw.status in (301, 400, 403, 404):
            return raw
        if raw.is_html() and service not in (None, ""):
            fault = not_implemented(operation or environ.get("PATH_INFO", ""))
            if raw.status == 500 and b"NotImplementedError" not in raw.body:
                fault = AwsError("InternalFailure", "the emulator failed: " + _text_of(raw.body), 500)
            described = None
            if operation and model(service) is not None:
                try:
                    described = model(service).operation_model(operation)
                except Exception:
                    described = None
            return self.failure(service, described, protocol or _guess(environ), fault)
        return raw

    def parse(self, environ, body, described, protocol):
        if protocol == "cbor":
            return cbor.decode(body) if body else {}
        inner = {key: value for key, value in environ.items() if not key.startswith("werkzeug.")}
        inner["wsgi.input"] = io.BytesIO(body)
        inner["CONTENT_LENGTH"] = str(len(body))
        request = Request(inner)
        values = request.values
        return PROTOCOL_PARSERS[protocol](described).parse(
            {
                "method": request.method,
                "values": values,
                "headers": request.headers,
                "body": body if protocol not in ("query", "ec2") else b"",
                "url_path": request.path,
                "url_params": environ.get("dwctl.uri", {}),
            }
        ) or {}

    def success(self, service, described, protocol, result):
        shape = described.output_shape
        if shape is not None:
            check(result, shape, described.name)
        elif result:
            raise AssertionError(f"{described.name} has no output")
        if protocol == "cbor":
            data = cbor.encode(cbor.shaped(result, shape)) if shape is not None else cbor.encode({})
            return Raw(200, [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), _id()], data)
        context = SerializationContext(_id()[1])
        made = get_serializer_class(service, protocol)(described, context).serialize(copy.copy(result))
        return _raw(made)

    def failure(self, service, described, protocol, error):
        status = getattr(error, "status", None)
        if protocol == "cbor":
            # https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#aws-protocols-awsquerycompatible-trait
            # The body names the error's shape, the header its code of the query protocol.
            shape = get_error_model(error, model(service))
            code = shape.error_code
            for one in described.error_shapes if described is not None else []:
                if one.metadata.get("error", {}).get("code") == error.code:
                    shape = one
            members = getattr(shape, "members", {})
            document = {name: getattr(error, name) for name in members if getattr(error, name, None) is not None}
            document.update({"__type": shape.name, "message": error.message})
            headers = [("Content-Type", "application/cbor"), ("smithy-protocol", "rpc-v2-cbor"), _id(),
                       ("x-amzn-query-error", code + ";Sender")]
            return Raw(status or 400, headers, cbor.encode(document))
        if described is None:
            if protocol in ("query", "ec2", "rest-xml"):
                name = b"<Error><Code>%s</Code><Message>%s</Message></Error>" % (
                    error.code.encode(),
                    error.message.replace("&", "&amp;").replace("<", "&lt;").encode(),
                )
                wrap = {"query": b"<ErrorResponse>%s</ErrorResponse>", "rest-xml": b"%s"}.get(
                    protocol, b"<Response><Errors>%s</Errors></Response>"
                )
                return Raw(status or 400, [("Content-Type", "text/xml"), _id()], wrap % name)
            document = json.dumps({"__type": error.code, "message": error.message}).encode()
            headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", error.code), _id()]
            return Raw(status or 400, headers, document)
        made = get_serializer_class(service, protocol)(described, SerializationContext(_id()[1])).serialize(error)
        raw = _raw(made)
        if status:
            raw.status = status
        return raw


# The root elements of S3's answers, as its API pages show them; botocore's model has them not.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
S3_ROOTS = {
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketNotificationConfiguration": "NotificationConfiguration",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectTagging": "Tagging",
    "ListBucketAnalyticsConfigurations": "ListBucketAnalyticsConfigurationResult",
    "ListBucketIntelligentTieringConfigurations": "ListBucketIntelligentTieringConfigurationsOutput",
    "ListBucketInventoryConfigurations": "ListInventoryConfigurationsResult",
    "ListBucketMetricsConfigurations": "ListMetricsConfigurationsResult",
}


def _raw(made):
    body = made["body"]
    body = body.encode("utf-8") if isinstance(body, str) else body or b""
    headers = [(key, str(value)) for key, value in made["headers"].items()]
    return Raw(made["status_code"], headers + [_id()], body)


def _id():
    return ("x-amzn-RequestId", str(mock_random.uuid4()))


def _guess(environ):
    return "json" if "json" in environ.get("CONTENT_TYPE", "") else "rest-json"


def _text_of(html):
    return re.sub(r"\s+", " ", re.sub(rb"<[^>]+>", b" ", html).decode("utf-8", "replace"))[:300].strip()


def read_body(environ):
    """The whole body, inflated: moto reads gzip in few places, chunked in none."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        data = environ["wsgi.input"].read()
    else:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        data = environ["wsgi.input"].read(length) if length else b""
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").lower()
    structured = environ.get("HTTP_X_AMZ_TARGET") or CBOR_PATH.match(environ.get("PATH_INFO", "")) or environ.get(
        "CONTENT_TYPE", ""
    ).startswith(("application/x-www-form-urlencoded", "application/x-amz-json"))
    if encoding == "gzip" and structured:
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            return data
        environ.pop("HTTP_CONTENT_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(data))
    return data


_REASONS = {
    200: "OK", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 304: "Not Modified",
    400: "Bad Request", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 409: "Conflict",
    412: "Precondition Failed", 416: "Range Not Satisfiable", 500: "Internal Server Error", 501: "Not Implemented",
    503: "Service Unavailable",
}

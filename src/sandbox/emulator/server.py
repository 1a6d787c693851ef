"""Runs moto with the additions on loopback.

Started by `dwctl sandbox up`; also by hand: `python server.py --port 5005`.
"""

import argparse
import functools
import gc
import json
import os
import signal
import socket
import sys
import threading
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
# The folder of this file must not shadow top-level modules: only its parent is searched.
sys.path[:] = [os.path.dirname(HERE)] + [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]

IDLE_SECONDS = 6 * 60 * 60


def stay_on_loopback():
    """Refuses every connection of this process that would leave the machine.

    moto itself would post to the HTTP endpoints of SNS subscriptions, for example.
    """

    def watch(event, arguments):
        if event == "socket.connect":
            address = arguments[1]
            if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
                raise ConnectionRefusedError("the sandbox does not leave loopback")
        elif event == "socket.getaddrinfo":
            host = arguments[0]
            host = host.decode("ascii", "replace") if isinstance(host, bytes) else host
            if host not in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0"):
                raise ConnectionRefusedError("the sandbox looks up no other host")

    sys.addaudithook(watch)


def environment(port):
    """What moto reads from the environment, before it is imported."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    os.environ["MOTO_PORT"] = str(port)
    # Managed policies exist in every account of AWS.
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"
    for name in ("MOTO_ACCOUNT_ID", "MOTO_S3_CUSTOM_ENDPOINTS", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1",
        AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    )


def settle():
    """The settings that a reset of moto must not undo."""
    from moto.moto_api import state_manager
    from moto.moto_api._internal.models import moto_api_backend

    # moto warns of every error code that botocore's model does not list.
    warnings.simplefilter("ignore")
    state_manager.set_transition("glue::crawl", {"progression": "immediate"})
    moto_api_backend.set_config(
        {"stepfunctions": {"execute_state_machine": True}, "iam": {"load_aws_managed_policies": True}}
    )


class Leaving:
    """How this process ends once the request of this thread is answered."""

    def __init__(self):
        self.stay()

    def stay(self):
        self.lock = threading.Lock()
        self.thread = self.code = None

    def begin(self, code):
        """From now on no connection is accepted: the next process does."""
        with self.lock:
            self.thread, self.code = threading.get_ident(), code

    def end(self):
        if self.thread == threading.get_ident():
            os._exit(self.code)


def application(nonce, leaving, save):
    """The WSGI application and the clock of its last request."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

    from emulator import copies, wire

    moto_app = DomainDispatcherApplication(create_backend_app)
    # It lists folders and tries every pattern at each request, while the others wait for its lock.
    moto_app.get_backend_for_host = functools.lru_cache(1024)(moto_app.get_backend_for_host)
    gateway = wire.Gateway(moto_app)
    clock = {"last": time.monotonic()}
    process = os.getpid()
    settle()

    def about_itself(path, environ, start_response):
        status, told = "404 Not Found", {}
        if path == "/dwctl/health":
            status, told = "200 OK", {"nonce": nonce, "pid": process}
        elif environ.get("QUERY_STRING") != "nonce=" + nonce:
            pass
        elif path == "/dwctl/stop":
            status = "200 OK"
            leaving.begin(0)
        elif path == "/dwctl/save" and copies.possible:
            status = "200 OK"
            leaving.begin(copies.SAVED)
            save()
        body = json.dumps(told).encode()
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    def app(environ, start_response):
        path = environ.get("PATH_INFO", "")
        if path.startswith("/dwctl/"):
            return about_itself(path, environ, start_response)
        clock["last"] = time.monotonic()
        reset = path == "/moto-api/reset" and environ.get("REQUEST_METHOD") == "POST"
        if reset and copies.possible:
            leaving.begin(copies.RESET)
            body = b'{"status": "ok"}'
            start_response(
                "200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
            )
            return [body]
        answer = gateway(environ, start_response)
        if reset:
            wire.forget()
            settle()
        return answer

    return app, clock


# A read of each service, as the AWS SDKs send it: what moto makes on first use is made before the copies.
FIRST = [
    ("sts", "Action=GetCallerIdentity&Version=2011-06-15"),
    ("ec2", "Action=DescribeVpcs&Version=2016-11-15"),
    ("iam", "Action=ListRoles&Version=2010-05-08"),
    ("redshift", "Action=DescribeClusters&Version=2012-12-01"),
    ("sns", "Action=ListTopics&Version=2010-03-31"),
    ("s3", None),
    ("monitoring", "GraniteServiceVersion20100801.ListDashboards"),
    ("kms", "TrentService.ListAliases"),
    ("glue", "AWSGlue.GetDatabases"),
    ("logs", "Logs_20140328.DescribeLogGroups"),
    ("secretsmanager", "secretsmanager.ListSecrets"),
    ("states", "AWSStepFunctions.ListStateMachines"),
    ("events", "AWSEvents.ListRules"),
    ("tagging", "ResourceGroupsTaggingAPI_20170126.GetResources"),
]


def warm(app, port):
    """Makes the account of every later copy."""
    from werkzeug.test import Client

    client = Client(app)
    for service, words in FIRST:
        headers = {
            "Host": f"127.0.0.1:{port}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        if words is None:
            client.get("/", headers=headers)
        elif words.startswith("Action="):
            form = "application/x-www-form-urlencoded; charset=utf-8"
            client.post("/", headers=headers | {"Content-Type": form}, data=words)
        else:
            headers |= {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": words}
            client.post("/", headers=headers, data="{}")
    gc.collect()
    # Not moved by collections, it stays shared with the copies.
    gc.freeze()


def keep_watch(clock, ready, nonce):
    """Ends the process when nobody uses it, or when its ready file is gone or another's."""
    while True:
        time.sleep(5)
        if time.monotonic() - clock["last"] > IDLE_SECONDS:
            os._exit(0)
        if ready:
            try:
                with open(ready, encoding="utf-8") as file:
                    ours = json.load(file).get("nonce") == nonce
            except (OSError, ValueError):
                ours = False
            if not ours:
                os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--nonce", default="", help="what /dwctl/health answers with")
    parser.add_argument("--version", default="", help="kept in the ready file")
    parser.add_argument("--ready", help="written once requests are answered; the process ends when it is gone")
    arguments = parser.parse_args()

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", arguments.port))
    listener.listen(512)
    port = listener.getsockname()[1]
    environment(port)
    stay_on_loopback()
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    leaving = Leaving()
    app, clock = application(arguments.nonce, leaving, lambda: copies.save(serve, listener.fileno()))

    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import ThreadedWSGIServer

    from emulator import copies

    class Handler(MotoRequestHandler):
        # Connections are kept; without Nagle's delay, or each answer costs 40 ms.
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_request(self, code="-", size="-"):
            pass

        def handle_one_request(self):
            try:
                super().handle_one_request()
                self.wfile.flush()
            finally:
                leaving.end()

    class Server(ThreadedWSGIServer):
        daemon_threads = True
        request_queue_size = 512

        def get_request(self):
            with leaving.lock:
                if leaving.code is not None:
                    raise ConnectionAbortedError("for the next process")
                return super().get_request()

    def serve():
        leaving.stay()
        clock["last"] = time.monotonic()
        watch = (clock, arguments.ready, arguments.nonce)
        threading.Thread(target=keep_watch, args=watch, daemon=True).start()
        Server("127.0.0.1", port, app, handler=Handler, fd=listener.fileno()).serve_forever()

    if copies.possible:
        warm(app, port)
    if arguments.ready:
        partial = arguments.ready + ".part"
        state = {"port": port, "pid": os.getpid(), "nonce": arguments.nonce, "version": arguments.version}
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            json.dump(state, file)
        os.replace(partial, arguments.ready)
    print(f"listening on 127.0.0.1:{port}", flush=True)
    if copies.possible:
        copies.run(serve)
    serve()


if __name__ == "__main__":
    main()

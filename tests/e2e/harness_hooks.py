"""Services that get webhooks: HTTP servers that keep every request as it came, and answer as they are
told. What a request must look like is asserted by the tests, by the services' own documents."""

import email.parser
import email.policy
import http.server
import json
import ssl
import threading
import time


class Request:
    def __init__(self, handler, body):
        self.when = time.time()
        self.method = handler.command
        self.path = handler.path
        self.headers = dict(handler.headers.items())
        self.body = body

    def json(self):
        return json.loads(self.body)

    def parts(self):
        """Of a multipart/form-data body: {name: (bytes, filename or None, type)}."""
        head = "Content-Type: %s\r\n\r\n" % self.headers["Content-Type"]
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            head.encode() + self.body)
        return {part.get_param("name", header="Content-Disposition"):
                (part.get_payload(decode=True), part.get_filename(), part.get_content_type())
                for part in message.iter_parts()}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def take(self):
        service = self.server.service
        request = Request(self, self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        service.came.append(request)
        service.gate.wait()
        status, headers, body = service.answer(request)
        if 200 <= status < 300:
            service.requests.append(request)
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # the other side has been killed

    do_POST = do_PUT = do_GET = take

    def log_message(self, *args):
        pass


class Service:
    """answer: request -> (status, headers, body). came: all requests; requests: those that it
    took. While held it takes requests and answers none."""

    def __init__(self, answer=lambda request: (200, {}, b""), certificate=None):
        self.answer = answer
        self.came, self.requests = [], []
        self.gate = threading.Event()
        self.gate.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.service = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def url(self, path="/", scheme="http"):
        return "%s://127.0.0.1:%d%s" % (scheme, self.port, path)

    def hold(self):
        self.gate.clear()

    def release(self):
        self.gate.set()

    def close(self):
        self.release()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(value, status=200, **headers):
    """An answer in JSON."""
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()

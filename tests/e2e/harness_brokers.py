"""Brokers as villages have them: set up by `roadwatch broker`, with TLS, logins and bridges; phones
with logins; and a line between two of them that can be cut.
"""

import json
import os
import re
import select
import socket
import subprocess
import threading

import harness
from harness import ROADWATCH, Subscriber, free_port, wait_until


class SetUpBroker:
    """mosquitto with the files that `roadwatch broker setup` wrote, as Debian's service runs it."""

    def __init__(self, folder, *options, host="localhost"):
        """options: ("-c", FILE) for a village's, ("--commune",) for a commune's."""
        self.folder = folder
        self.options = options
        self.host = host
        self.process = None
        os.makedirs(folder)
        with open(folder + "/mosquitto.conf", "w", encoding="utf-8") as f:
            f.write("user root\npersistence_location %s/\nlog_dest file %s/log\n"
                    "include_dir %s/conf.d\n" % (folder, folder, folder))
        self.ca = folder + "/roadwatch/ca.crt"
        replace = ()
        for _ in range(10):
            self.port, self.websockets = free_port(), free_port()
            self.said = self.cli("setup", *options, "--host", host, "--port", str(self.port),
                                 "--websockets", str(self.websockets), *replace)
            replace = ("--replace",)
            if self.start():
                return
        raise AssertionError("the broker does not start:\n" + self.log())

    def mqtt(self):
        """The section that `broker setup` told to write into a village's configuration."""
        lines = self.said[self.said.index("\nmqtt:\n"):]
        section = dict(re.findall(r"^  (\w+): (.+)$", lines, re.M))
        return dict(section, port=int(section["port"]))

    def cli(self, *words):
        return subprocess.run([ROADWATCH, "broker", *words, "--dir", self.folder], check=True,
                              capture_output=True, text=True, timeout=30).stdout

    def refusal(self, *words):
        """-> (exit status, the sentence)"""
        done = subprocess.run([ROADWATCH, "broker", *words, "--dir", self.folder], check=False,
                              capture_output=True, text=True, timeout=30)
        return done.returncode, done.stderr

    def login(self, kind, name, *options):
        """A new phone or village, known to the running broker -> what `--json` says of it."""
        login = json.loads(self.cli(kind, name, "--json", *options))
        self.reload()
        return login

    def reload(self):
        """Returns when mosquitto has taken the files."""
        before = self.log().count("Reloading config")
        self.process.send_signal(1)
        wait_until(lambda: self.log().count("Reloading config") > before, 10, "mosquitto to reload")

    def start(self):
        """Returns when it serves and takes signals: it says so then."""
        before = self.log().count(" running\n")
        self.process = subprocess.Popen(["mosquitto", "-c", self.folder + "/mosquitto.conf"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: self.process.poll() is not None or
                   self.log().count(" running\n") > before, 10, "mosquitto to run")
        return self.process.poll() is None

    def restart(self):
        self.stop()
        if not self.start():
            raise AssertionError("the broker does not start again:\n" + self.log())

    def log(self):
        try:
            with open(self.folder + "/log", encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def stop(self):
        harness.end_process(self.process)

    def publish(self, login, topic, text):
        """-> what mosquitto_pub complains of"""
        return subprocess.run(["mosquitto_pub", *self.as_client(login), "-V", "mqttv5", "-q", "1",
                               "-t", topic, "-s"], input=text, capture_output=True, text=True,
                              check=False, timeout=20).stderr

    def as_client(self, login):
        return ["-h", self.host, "-p", str(self.port), "--cafile", self.ca, "-u",
                login["username"], "-P", login["password"]]


class Phone(Subscriber):
    """A subscriber with a login; it hears itself acknowledge an event that there is not. It comes
    back when mosquitto_sub gives up, as it does where TLS meets a broker that stops."""

    def __init__(self, broker, login, site, topic="roadwatch/#"):
        # pylint: disable=super-init-not-called
        self.messages = []
        self.probe = "roadwatch/%s/event/probe/ack" % site
        self.command = ["mosquitto_sub", *broker.as_client(login), "-q", "1", "-t", topic, "-c",
                        "-i", "phone-" + login["username"], "-F", "%U %r %t %x"]
        self.closing = threading.Event()
        self.process = self.connect()
        self.subscribed = threading.Event()
        self.login = login
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        wait_until(lambda: self.hears(broker), 20, "the phone's session with the broker")

    def connect(self):
        return subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                text=True)

    def hears(self, broker):
        broker.publish(self.login, self.probe, "{}")
        return self.subscribed.wait(0.2)

    def read(self):
        self.read_session()
        while not self.closing.wait(1):
            self.process.stdout.close()
            self.process.wait()
            self.process = self.connect()
            if self.closing.is_set():
                self.process.terminate()
            self.read_session()

    def close(self):
        self.closing.set()
        super().close()

    def read_session(self):
        for line in self.process.stdout:
            message = harness.Message(line)
            if message.topic == self.probe:
                self.subscribed.set()
            else:
                self.messages.append(message)


class Line:
    """A TCP line to a port of this machine. Cut, it carries nothing and says nothing, as a mobile
    network does: both ends go on believing in it. Mended, the old connections are dead and new
    ones get through."""

    def __init__(self, port):
        self.target = port
        self.cut_off = threading.Event()
        self.ends = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                if self.listener.fileno() < 0:
                    return
                continue
            self.ends += [near, far]
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        try:
            while True:
                for end in select.select([near, far], [], [])[0]:
                    data = end.recv(65536)
                    if not data:
                        raise OSError
                    if not self.cut_off.is_set():
                        (far if end is near else near).sendall(data)
        except (OSError, ValueError):
            self.hang_up(near, far)

    @staticmethod
    def hang_up(*ends):
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.cut_off.set()

    def mend(self):
        self.hang_up(*self.ends)
        self.cut_off.clear()

    def close(self):
        self.listener.close()
        self.hang_up(*self.ends)

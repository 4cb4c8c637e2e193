"""What the end-to-end tests stand on: a box in a temporary folder.

A Box is one running `roadwatch` with its configuration, its storage, an RTSP server playing
cameras, and, where a test wants one, a broker and a subscriber. Nothing here sleeps and hopes:
wait_until() polls with a deadline and says what it waited for.

Environment:
  ROADWATCH  the program under test       (default: build/dev/roadwatch)
  CAMERAS    the RTSP server               (default: build/dev/tests/support/cameras)
  FOOTAGE    folder of films               (default: the newest in the cache)
  SLOWER     factor on every deadline, for sanitizers (default: 1)
"""

import datetime
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROADWATCH = os.environ.get("ROADWATCH", os.path.join(ROOT, "build/dev/roadwatch"))
CAMERAS = os.environ.get("CAMERAS", os.path.join(ROOT, "build/dev/tests/support/cameras"))
SLOWER = float(os.environ.get("SLOWER", "1"))
SANITIZER_REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "runtime error:",
                     "WARNING: ThreadSanitizer")
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
POLL_S = 0.05


def footage_folder():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    found = sorted(glob.glob(os.path.join(cache, "roadwatch", "footage-*")))
    return os.environ.get("FOOTAGE") or (found[-1] if found else "/nonexistent")


def film(name):
    return os.path.join(footage_folder(), name + ".mp4")


def wait_until(predicate, timeout_s, what):
    """Polls until predicate() is true and returns its value."""
    deadline = time.monotonic() + timeout_s * SLOWER
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("waited %.0f s in vain for %s" % (timeout_s * SLOWER, what))
        time.sleep(POLL_S)


def let_pass(seconds):
    """Footage has to be recorded in real time: this is not waiting for something to happen."""
    time.sleep(seconds)


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def instant(text):
    """RFC 3339 UTC -> datetime."""
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(
        tzinfo=datetime.timezone.utc)


def rfc3339(when):
    return when.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def seconds(span):
    """Length of a {"from","to"} object."""
    return (instant(span["to"]) - instant(span["from"])).total_seconds()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end_process(process, timeout_s=5):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


class Cameras:
    """The RTSP server. streams: {"gate/main": "street-360@17", ...}. within: what starts it
    elsewhere, ["ip", "netns", "exec", ...]."""

    def __init__(self, folder, streams, port=0, user=None, password=None, auth="basic",
                 max_sessions=0, address="127.0.0.1", within=(), tls=None):
        self.address = address
        self.scheme = "rtsps" if tls else "rtsp"
        self.log_path = os.path.join(folder, "cameras-%d.jsonl" % time.monotonic_ns())
        command = [*within, CAMERAS, "--port", str(port), "--log", self.log_path,
                   "--max-sessions", str(max_sessions), "--address", address]
        if user is not None:
            command += ["--user", user, "--password", password, "--auth", auth]
        if tls is not None:
            command += ["--tls", tls]
        for name, shows in streams.items():
            clip, _, second = shows.partition("@")
            command.append("%s=%s@%s" % (name, film(clip), second or "0"))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        line = self.process.stdout.readline()
        if not line.startswith("port "):
            self.close()
            raise AssertionError("the camera server did not start")
        self.port = int(line.split()[1])

    def url(self, name):
        return "%s://%s:%d/%s" % (self.scheme, self.address, self.port, name)

    def order(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if answer != "ok":
            raise AssertionError("%s: %s" % (" ".join(words), answer))

    def sessions(self, path):
        """How often somebody pressed play there."""
        with open(self.log_path, encoding="utf-8") as log:
            lines = [json.loads(line) for line in log]
        return sum(1 for e in lines if e["event"] == "play" and e["path"] == path)

    def close(self):
        end_process(self.process)


class Broker:
    """mosquitto that keeps its sessions over a restart, on one port for its whole life."""

    def __init__(self, folder, address="127.0.0.1", within=()):
        """within: in front of its commands, as those that enter a network namespace."""
        self.folder = folder
        self.address = address
        self.within = list(within)
        self.process = None
        for _ in range(10):
            self.port = free_port()
            if self.start():
                return
        raise AssertionError("no free port for the broker")

    def start(self):
        config = os.path.join(self.folder, "mosquitto.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write("listener %d %s\nallow_anonymous true\npersistence true\n"
                    "persistence_location %s/\nmax_queued_messages 0\nuser root\n"
                    % (self.port, self.address, self.folder))
        self.process = subprocess.Popen([*self.within, "mosquitto", "-c", config],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return True
            except OSError:
                time.sleep(POLL_S)
        end_process(self.process)
        return False

    def stop(self):
        end_process(self.process)

    def restart(self):
        if not self.start():
            raise AssertionError("the broker does not start on port %d again" % self.port)

    def publish(self, topic, text, *options):
        """options: of mosquitto_pub."""
        subprocess.run([*self.within, "mosquitto_pub", "-h", self.address, "-p", str(self.port), "-q", "1",
                        "-t", topic, "-s", *options], input=text, text=True, check=True, timeout=10)


class Message:
    def __init__(self, line):
        when, retained, self.topic, payload = line.rstrip("\n").split(" ")
        self.when = float(when)
        self.retained = retained == "1"
        self.payload = bytes.fromhex(payload)

    def json(self):
        return json.loads(self.payload)


class Subscriber:
    """A phone: a persistent session, so it misses nothing while the broker restarts. The broker
    knows the session when the constructor is done: before, what is published would pass it by."""

    PROBE = "roadwatch/phone"

    def __init__(self, broker, topic="roadwatch/#"):
        self.messages = []
        port = broker.port
        self.process = subprocess.Popen(
            [*broker.within, "mosquitto_sub", "-h", broker.address, "-p", str(port), "-q", "1", "-t", topic,
             "-c", "-i", "phone", "-F", "%U %r %t %x"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.subscribed = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        wait_until(lambda: self.hears(broker), 20, "the phone's session with the broker")

    def hears(self, broker):
        broker.publish(self.PROBE, "?")
        return self.subscribed.wait(0.2)

    def read(self):
        for line in self.process.stdout:
            message = Message(line)
            if message.topic == self.PROBE:
                self.subscribed.set()
            else:
                self.messages.append(message)

    def on(self, topic):
        """Messages whose topic ends like this, oldest first."""
        return [m for m in list(self.messages) if m.topic.endswith(topic)]

    def events(self, camera):
        return [m.json() for m in self.on("/%s/event" % camera)]

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class FakeClock:
    """The clock of day that a box's program sees, moved by libfaketime while it runs. The steady
    clocks stay the kernel's: that is looked after here, because libfaketime moves them too unless it
    is told not to, and cuts every wait on them short unless it is told that glibc is sound."""

    def __init__(self, test, box):
        found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not found:
            test.skipTest("libfaketime is not installed")
        # in a folder of its own, which every role may read in its sandbox
        folder = os.path.join(box.folder, "clock")
        os.mkdir(folder)
        self.path = os.path.join(folder, "offset")
        self.set(0)
        box.more_environment.update(
            LD_PRELOAD=found[0], FAKETIME_TIMESTAMP_FILE=self.path, FAKETIME_NO_CACHE="1",
            ROADWATCH_MAY_READ=folder,
            FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_FORCE_MONOTONIC_FIX="0", NO_FAKE_STAT="1")
        self.check(box)

    def set(self, ahead_s):
        """How far it is ahead of the true time; at once."""
        self.ahead = datetime.timedelta(seconds=ahead_s)
        with open(self.path + ".new", "w", encoding="utf-8") as f:
            f.write("%+d\n" % ahead_s)
        os.replace(self.path + ".new", self.path)

    def now(self):
        return now() + self.ahead

    def check(self, box):
        """A program in the box's environment sees the fake time of day and the true steady times."""
        clocks = (time.CLOCK_REALTIME, time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)
        look = "import time; print(*map(time.clock_gettime, %r))" % (clocks,)
        self.set(7200)
        before = [time.clock_gettime(c) for c in clocks]
        seen = subprocess.run([sys.executable, "-c", look], env=box.environment(), check=True,
                              capture_output=True, text=True, timeout=30).stdout.split()
        after = [time.clock_gettime(c) for c in clocks]
        self.set(0)
        for ahead, earliest, at, latest in zip((7200, 0, 0), before, map(float, seen), after):
            if not earliest - 2 <= at - ahead <= latest + 2 or (not ahead and not
                                                               earliest <= at <= latest):
                raise AssertionError("libfaketime shows %s between %s and %s" % (seen, before, after))


class Box:
    """One box. It owns its folder, its processes and what they say."""

    def __init__(self, site="thon-dung"):
        self.folder = tempfile.mkdtemp(prefix="roadwatch-e2e.")
        self.mark = "ROADWATCH_TEST=" + self.folder
        self.storage = os.path.join(self.folder, "storage")
        self.config_path = os.path.join(self.folder, "roadwatch.yaml")
        self.log_path = os.path.join(self.folder, "log")
        self.main = None
        self.broker = None
        self.phone = None
        self.servers = []
        self.mounts = []
        self.more_environment = {}
        self.config = {
            "site": {"id": site, "name": "Thôn Dùng", "language": "vi"},
            "storage": {"path": self.storage, "slot_size": "1 MiB", "sync": "1s"},
            "cameras": [],
        }

    # ---- the world around it

    def add_server(self, streams, **how):
        server = Cameras(self.folder, streams, **how)
        self.servers.append(server)
        return server

    def add_broker(self, **where):
        """where: of Broker()."""
        self.broker = Broker(self.folder, **where)
        self.phone = Subscriber(self.broker)
        self.config["mqtt"] = {"host": self.broker.address, "port": self.broker.port}
        return self.broker

    def mount_storage(self, test, size):
        """The storage becomes a small disk of its own; skips the test where mounts are refused."""
        os.makedirs(self.storage, exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=" + size, "tmpfs",
                               self.storage], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            test.skipTest("mounts are refused here: " + done.stderr.strip())
        self.mounts.append(self.storage)

    def remount_storage(self, how):
        subprocess.run(["mount", "-o", "remount," + how, self.storage], check=True)

    # ---- configuration

    def add_camera(self, server, camera, main=None, sub=None, keep="8 MiB", name=None, **more):
        """main, sub: names of streams on the server; default "<camera>/main", no sub."""
        entry = {"id": camera, "name": name or camera,
                 "main": {"url": server.url(main or camera + "/main"), "keep": keep}}
        if sub:
            entry["sub"] = {"url": server.url(sub), "keep": keep}
        entry["alert"] = {"pre": "1s", "post": "1s", "cooldown": "0s", "max": "5s",
                          "rate": 0}
        entry.update(more)
        self.config["cameras"].append(entry)
        return entry

    def simple(self, *cameras, shows="street-360", small="street-180"):
        """A server and a camera with main and sub for each id, each at another place."""
        streams = {}
        for i, camera in enumerate(cameras):
            streams[camera + "/main"] = "%s@%d" % (shows, 17 * i)
            if small:
                streams[camera + "/sub"] = "%s@%d" % (small, 17 * i)
        server = self.add_server(streams)
        for camera in cameras:
            self.add_camera(server, camera, sub=camera + "/sub" if small else None)
        return server

    def fast_ring(self, camera, keep):
        """One stream of 2 Mbit/s, not watched: a slot of 1 MiB is full after about 4 s."""
        server = self.add_server({camera + "/main": "street-1080"})
        self.add_camera(server, camera, keep=keep, detect={"enabled": False})
        return server

    def write_config(self):
        with open(self.config_path, "w", encoding="utf-8") as f:
            json.dump(self.config, f, ensure_ascii=False, indent=2)  # JSON is YAML
            f.write("\n")

    # ---- the program

    def environment(self):
        env = dict(os.environ, ROADWATCH_TEST=self.folder, **self.more_environment)
        env.pop("RUNTIME_DIRECTORY", None)
        env.pop("NOTIFY_SOCKET", None)
        return env

    def start(self, **how):
        """how: of subprocess.Popen."""
        self.write_config()
        with open(self.log_path, "ab") as log:
            self.main = subprocess.Popen([ROADWATCH, "run", "-c", self.config_path],
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         env=self.environment(), **how)

    def stop(self, timeout_s=5):
        """SIGTERM; returns (exit status, seconds it took)."""
        began = time.monotonic()
        self.main.send_signal(signal.SIGTERM)
        status = self.main.wait(timeout_s * SLOWER)
        took = time.monotonic() - began
        self.main = None
        return status, took

    def cli(self, *args, stdin=None):
        """-> (exit status, stdout, stderr)"""
        done = subprocess.run([ROADWATCH, *args, "-c", self.config_path], input=stdin,
                              capture_output=True, text=True, env=self.environment(),
                              timeout=60 * SLOWER, check=False)
        self.refuse_reports(done.stderr)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *args):
        """A command that must succeed -> its JSON."""
        status, out, err = self.cli(*args, "--json")
        if status != 0:
            raise AssertionError("%s: exit %d: %s" % (args, status, err.strip()))
        return json.loads(out)

    def status(self, camera=None):
        """The whole status, or one camera's."""
        code, out, err = self.cli("status", "--json")
        if not out.strip():
            raise AssertionError("status: exit %d: %s" % (code, err.strip()))
        whole = json.loads(out)
        if camera is None:
            return whole
        return next(c for c in whole["cameras"] if c["id"] == camera)

    def coverage(self, camera, start, end, stream="main"):
        return self.ask("coverage", "--camera", camera, "--from", rfc3339(start),
                        "--to", rfc3339(end), "--stream", stream)

    def events(self, *args):
        status, out, err = self.cli("events", "--json", *args)
        if status != 0:
            raise AssertionError("events: exit %d: %s" % (status, err.strip()))
        return [json.loads(line) for line in out.splitlines()]

    def fsck(self, *args):
        """-> (exit status, everything it said)"""
        status, out, err = self.cli("fsck", *args)
        return status, out + err

    # ---- looking

    def pids(self):
        """Every process of this box's program, {pid: arguments}."""
        found = {}
        for path in glob.glob("/proc/[0-9]*"):
            try:
                with open(path + "/environ", "rb") as f:
                    if self.mark.encode() not in f.read().split(b"\0"):
                        continue
                with open(path + "/cmdline", "rb") as f:
                    args = f.read().decode(errors="replace").split("\0")
                with open(path + "/stat", encoding="utf-8", errors="replace") as f:
                    dead = f.read().rpartition(")")[2].split()[0] in "ZX"
            except OSError:
                continue
            if os.path.basename(args[0]) == "roadwatch" and not dead:
                found[int(os.path.basename(path))] = args[1:]
        return found

    def pid(self, *role):
        """Who plays this role, as in pid("camera", "gate"); None when nobody does."""
        for pid, args in self.pids().items():
            if tuple(args[:len(role)]) == role:
                return pid
        return None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, *words):
        """Lines of the log with all these words in them."""
        return [l for l in self.log().splitlines() if all(w in l for w in words)]

    def slots(self, camera, stream="main"):
        return sorted(glob.glob(os.path.join(self.storage, camera, stream, "*.mp4")))

    def newest_slot(self, camera, stream="main"):
        return max(self.slots(camera, stream), key=os.path.getmtime)

    # ---- waiting

    def expect_alive(self):
        if self.main.poll() is not None:
            raise AssertionError("the service ended by itself (status %d)" % self.main.poll())

    def wait_recording(self, *cameras, timeout_s=15):
        def recording(camera):
            self.expect_alive()
            return self.status(camera)["recording"]
        for camera in cameras:
            wait_until(lambda c=camera: recording(c), timeout_s, "%s to record" % camera)

    def wait_recorded(self, camera, seconds_kept, timeout_s=60, stream="main"):
        """Until this much is recorded; returns the coverage."""
        start = now() - datetime.timedelta(hours=1)

        def enough():
            self.expect_alive()
            status, out, _ = self.cli("coverage", "--camera", camera, "--from", rfc3339(start),
                                      "--stream", stream, "--json")
            seen = json.loads(out) if status == 0 else {"recorded_s": 0}
            return seen if seen["recorded_s"] >= seconds_kept else None
        return wait_until(enough, timeout_s, "%s to have %d s" % (camera, seconds_kept))

    # ---- the end

    @staticmethod
    def refuse_reports(text):
        for report in SANITIZER_REPORTS:
            if report in text:
                raise AssertionError("a sanitizer reports:\n" + text[-20000:])

    def kill_all(self):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def close(self):
        """Ends everything. Raises when the program left a process or a sanitizer complained."""
        problems = []
        if self.main:
            try:
                self.stop(10)
            except subprocess.TimeoutExpired:
                problems.append("SIGTERM did not end it in 10 s")
                self.main.kill()
                self.main.wait()
        left = self.pids()
        self.kill_all()
        if left:
            problems.append("processes left behind: %s" % left)
        for server in self.servers:
            server.close()
        if self.phone:
            self.phone.close()
        if self.broker:
            self.broker.stop()
        for folder in self.mounts:
            subprocess.run(["umount", "-l", folder], check=False)
        if os.path.exists(self.log_path):
            self.refuse_reports(self.log())
        if problems:
            raise AssertionError("; ".join(problems))


class Case(unittest.TestCase):
    """A test with one box. The log is shown when it fails, the folder goes either way."""

    maxDiff = None

    def setUp(self):
        self.box = Box()
        self.addCleanup(self.put_away, self.box)

    def put_away(self, box):
        try:
            box.close()
        except AssertionError:
            self.show_log(box)
            raise
        else:
            if self.failing():
                self.show_log(box)
        finally:
            if not os.environ.get("KEEP"):
                shutil.rmtree(box.folder, ignore_errors=True)

    def failing(self):
        result = self._outcome.result
        return any(test is self for test, _ in result.failures + result.errors)

    @staticmethod
    def show_log(box):
        if os.path.exists(box.log_path):
            sys.stderr.write("---- the program's log:\n%s----\n" % box.log()[-20000:])

    # ---- what several tests assert

    def assert_adds_up(self, coverage):
        asked = seconds(coverage)
        parts = coverage["recorded_s"] + coverage["gap_s"] + coverage["deleted_s"]
        self.assertAlmostEqual(asked, parts, delta=0.01)
        spans = sum(seconds(s) for s in coverage["spans"])
        gaps = sum(seconds(g) for g in coverage["gaps"])
        # times are told in whole milliseconds
        self.assertAlmostEqual(spans, coverage["recorded_s"],
                               delta=0.01 + 0.001 * len(coverage["spans"]))
        self.assertAlmostEqual(gaps, coverage["gap_s"],
                               delta=0.01 + 0.001 * len(coverage["gaps"]))

    def assert_no_gap(self, coverage, allowed=("before-first",)):
        self.assertEqual([g for g in coverage["gaps"] if g["cause"] not in allowed], [])

    def assert_fsck_clean(self, *args):
        status, said = self.box.fsck(*args)
        self.assertEqual(status, 0, said)

    def assert_decodes(self, path):
        """Every picture, at its own time, without a word from the decoder or the demuxer."""
        done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", path, "-fps_mode",
                               "passthrough", "-enc_time_base", "1:90000", "-f", "null", "-"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


def probe(path, entries):
    """ffprobe's answer for the first video stream, e.g. probe(p, "width,codec_name")."""
    done = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                           "stream=" + entries, "-of", "json", path],
                          capture_output=True, text=True, timeout=30, check=True)
    return json.loads(done.stdout)["streams"][0]


def one_line(text):
    return re.fullmatch(r"[^\n]+\n", text) is not None


def main():
    """Like unittest.main(), but a run in which every test was skipped says so to ctest."""
    if not os.access(ROADWATCH, os.X_OK):
        sys.exit("%s: build it first (tests/run.sh does)" % ROADWATCH)
    program = unittest.main(verbosity=2, exit=False)
    result = program.result
    if result.testsRun and len(result.skipped) == result.testsRun and result.wasSuccessful():
        sys.exit(SKIPPED)
    sys.exit(0 if result.wasSuccessful() else 1)

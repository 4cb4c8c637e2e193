"""What the tests of hostile cameras share: one box, many of them, and an honest one that must not
notice.
"""

import os
import re
import sys

import harness
from harness import film, let_pass, now, wait_until

sys.path.insert(0, os.path.join(harness.ROOT, "tests", "support"))

# pylint: disable=wrong-import-position
from hostile import Cameras, Honest

WITNESS = "gate"
SANITIZED = harness.SLOWER > 1
# What a camera's process may take at its worst, in bytes: a few pictures of the largest kind and
# full queues. A sanitizer's quarantine and shadow come on top.
MEMORY_MOST = (64 << 20) + (SANITIZED << 29)
CPU_MOST = 0.2 * harness.SLOWER  # of a core: twenty of these share two with the honest ones
MORE_DESCRIPTORS = 8  # than the witness has: two sockets, a slot and an index being turned
CONNECTIONS_A_SECOND = 3
REQUESTS_A_SECOND = 12  # some for each connection, and again with a login
# What one trouble may say while it lasts: what it is, what came of it, and that again in other
# words now and then. A camera that is ill all night must not fill the journal.
LINES_MOST = 12
LINE_MOST = 400  # characters
PROBLEM_MOST = 500  # characters
TELL = os.environ.get("TELL")  # set: what each of them cost, on standard error


def camera_id(mode):
    """EndlessHeaders -> endless-headers"""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", mode.__name__).lower()


class Toll:
    """The most that each camera's process took."""

    def __init__(self, box):
        self.box = box
        self.threads, self.descriptors, self.peaks = {}, {}, {}
        self.pids = self.find()
        self.before = {camera: self.cpu_now(pid) for camera, pid in self.pids.items()}

    def find(self):
        return {args[1]: pid for pid, args in self.box.pids().items() if args[0] == "camera"}

    @staticmethod
    def cpu_now(pid):
        with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cpu_s(self, camera):
        try:
            return self.cpu_now(self.pids[camera]) - self.before[camera]
        except OSError:
            return -1

    def look(self):
        for camera, pid in self.pids.items():
            try:
                with open("/proc/%d/status" % pid, encoding="utf-8") as f:
                    said = dict(line.split(":", 1) for line in f)
                descriptors = len(os.listdir("/proc/%d/fd" % pid))
                self.peaks[camera] = int(said["VmHWM"].split()[0]) << 10
            except (OSError, KeyError):
                continue  # it has died: that is judged elsewhere
            self.threads[camera] = max(self.threads.get(camera, 0), int(said["Threads"]))
            self.descriptors[camera] = max(self.descriptors.get(camera, 0), descriptors)


class HostileCase(harness.Case):
    """endure() is the whole test. All that is wrong is told at once: these tests are long."""

    LASTS_S = 20  # more than two rounds of every deadline that a camera's process has

    def setUp(self):
        super().setUp()
        self.problems = []
        self.box.simple(WITNESS)
        self.cameras = Cameras(film("street-180"), self.box.folder)
        self.addCleanup(self.cameras.close)

    def endure(self, useless=(), doubtful=(), harmless=(), mid_stream=False):
        """useless: no picture can come of them. doubtful: recorded or told, either is right.
        harmless: recorded without a gap. mid_stream: they are good until they are recorded."""
        self.useless, self.doubtful, self.harmless = useless, doubtful, harmless
        self.mid_stream = mid_stream
        self.modes = [*useless, *doubtful, *harmless]
        for mode in self.modes:
            self.add(mode, Honest if mid_stream else mode)
        self.box.start()
        self.box.wait_recording(WITNESS, *(map(camera_id, self.modes) if mid_stream else ()),
                                timeout_s=20)
        self.misbehave()
        self.judge()
        self.return_to_good()
        ended = now()
        self.box.stop()
        self.judge_witness(ended)
        status, said = self.box.fsck()
        self.expect("fsck finds nothing:", status == 0, said)
        if self.problems:
            self.fail("\n" + "\n".join(self.problems))

    def add(self, mode, manners):
        camera = camera_id(mode)
        self.cameras.add(camera, manners)
        entry = self.box.add_camera(self.cameras, camera, main=camera, keep="4 MiB")
        entry["main"].update(username="viewer", password="secret",
                             transport="udp" if mode.UDP else "tcp")

    def misbehave(self):
        self.said_before = len(self.box.log().splitlines())
        self.asked_before = {m: self.asked(m) for m in self.modes}
        self.toll = Toll(self.box)
        self.began = now()
        for mode in self.modes:
            if self.cameras[camera_id(mode)].manners is not mode:
                self.cameras.turn(camera_id(mode), mode)
        while (now() - self.began).total_seconds() < self.LASTS_S:
            self.toll.look()
            let_pass(0.5)
        self.ended = now()

    def asked(self, mode):
        camera = self.cameras[camera_id(mode)]
        return camera.connections, sum(camera.requests.values())

    def expect(self, what, true, *more):
        if not true:
            self.problems.append(" ".join(map(str, (what,) + more))[:PROBLEM_MOST])

    # ---- while they are hostile

    def judge(self):
        states = {c["id"]: c for c in self.box.status()["cameras"]}
        self.expect("the witness is well:", states[WITNESS]["recording"], states[WITNESS])
        for mode in self.modes:
            camera = camera_id(mode)
            what = "a camera that %s (%s):" % (mode.__doc__, camera)
            self.judge_process(what, camera)
            self.judge_requests(what, mode)
            self.judge_log(what, camera)
            self.judge_state(what, mode, states[camera])
            self.tell(mode, states[camera])
        for visit in sorted(set(self.cameras.elsewhere.visits)):
            self.expect("nobody goes where a camera sends him:", False, visit)

    def judge_process(self, what, camera):
        toll = self.toll
        self.expect(what, self.box.pid("camera", camera) == toll.pids.get(camera),
                    "its process died")
        peak = toll.peaks.get(camera, 0)
        self.expect(what, peak <= MEMORY_MOST, "its process took %d MiB" % (peak >> 20))
        spent = toll.cpu_s(camera)
        self.expect(what, spent <= CPU_MOST * self.LASTS_S, "its process spent %.1f s" % spent)
        threads = toll.threads.get(camera, 0)
        self.expect(what, threads <= toll.threads[WITNESS], "its process had %d threads" % threads)
        descriptors = toll.descriptors.get(camera, 0)
        self.expect(what, descriptors <= toll.descriptors[WITNESS] + MORE_DESCRIPTORS,
                    "its process had %d descriptors" % descriptors)

    def judge_requests(self, what, mode):
        lasted = (self.ended - self.began).total_seconds()
        connections, requests = (a - b for a, b in zip(self.asked(mode), self.asked_before[mode]))
        self.expect(what, connections <= CONNECTIONS_A_SECOND * lasted,
                    "it was connected to %d times in %.0f s" % (connections, lasted))
        self.expect(what, requests <= REQUESTS_A_SECOND * lasted,
                    "it was asked %d times in %.0f s" % (requests, lasted))

    def said(self, camera):
        """The log's lines about it since it is hostile, its events not among them."""
        return [line for line in self.box.log().splitlines()[self.said_before:]
                if " %s: " % camera in line and " %s: event " % camera not in line]

    def judge_log(self, what, camera):
        lines = self.said(camera)
        self.expect(what, len(lines) <= LINES_MOST, "the log has %d lines of it:" % len(lines),
                    *lines[-3:])
        for line in lines:
            self.expect(what, line.isprintable() and len(line) <= LINE_MOST,
                        "not a line for people: %r" % line[:LINE_MOST + 40])

    def judge_state(self, what, mode, state):
        reason = state["reason"]
        self.expect(what, reason.isprintable() and len(reason) <= LINE_MOST, "reason %r" % reason)
        if mode in self.useless:
            self.expect(what, not state["recording"], "it is said to be recorded")
            self.expect(what, reason, "the state has no reason:", state)
            self.expect(what, self.said(state["id"]) or self.mid_stream or
                        self.box.lines(" %s: " % state["id"], reason[:40]), "the log says nothing")
            if mode.FAULT:
                self.expect(what, self.fault(state), "there is no event of kind fault")
        elif mode in self.doubtful:
            self.expect(what, state["recording"] or reason or self.fault(state),
                        "neither recorded nor told:", state)
        else:
            self.expect(what, state["recording"], "it is not recorded:", state)

    def fault(self, state):
        return "fault" in [e["kind"] for e in self.box.events("--camera", state["id"])]

    def tell(self, mode, state):
        if TELL:
            camera, toll = state["id"], self.toll
            connections, requests = (a - b for a, b in zip(self.asked(mode),
                                                           self.asked_before[mode]))
            sys.stderr.write("%-28s %3d MiB %5.2f cpu-s %2d threads %2d descriptors %3d+%3d asked "
                             "%2d lines %s %s\n"
                             % (camera, toll.peaks.get(camera, 0) >> 20, toll.cpu_s(camera),
                                toll.threads.get(camera, 0), toll.descriptors.get(camera, 0),
                                connections, requests, len(self.said(camera)),
                                "recorded" if state["recording"] else state["state"],
                                state["reason"]))

    # ---- and after

    def return_to_good(self):
        good = now()
        for mode in self.modes:
            self.cameras.turn(camera_id(mode), Honest, hang_up=True)
        for mode in self.modes:
            left = mode.RETURNS_S - (now() - good).total_seconds() / harness.SLOWER
            try:
                wait_until(lambda m=mode: self.recorded_since(m, good), max(0, left), "it")
            except AssertionError:
                self.expect("a camera that %s (%s):" % (mode.__doc__, camera_id(mode)), False,
                            "good again, it is not recorded in %d s" % mode.RETURNS_S,
                            self.box.status(camera_id(mode)))
        for mode in self.harmless:
            self.judge_harmless(mode)

    def recorded_since(self, mode, good):
        return self.box.coverage(camera_id(mode), good, now())["recorded_s"] >= 1

    def judge_harmless(self, mode):
        coverage = self.box.coverage(camera_id(mode), self.began, self.ended)
        gaps = [g for g in coverage["gaps"] if g["cause"] != "before-first"]
        self.expect("a camera that %s (%s):" % (mode.__doc__, camera_id(mode)), not gaps, gaps)

    def judge_witness(self, ended):
        for stream in ("main", "sub"):
            coverage = self.box.coverage(WITNESS, self.began, ended, stream)
            gaps = [g for g in coverage["gaps"] if g["cause"] != "recorder-off"]
            self.expect("the witness's %s stream has no gap:" % stream, not gaps, gaps)
            self.expect("the witness's %s stream is recorded:" % stream,
                        coverage["recorded_s"] > self.LASTS_S, coverage["recorded_s"])

#!/usr/bin/env python3
"""What eight cameras cost, watched and not, beside `ffmpeg -c copy` on the same cameras in the same
run. Prints; asserts nothing.

    cmake --preset release && cmake --build --preset release
    tests/bench/cameras.py [--cameras 8] [--seconds 60]

One camera-minute is a minute of one camera, main (1080p) and sub (360p) recorded and, where it is
watched, every sub picture looked at. CPU is user and system time of all processes of the service;
memory is their proportional set size (PSS); bytes are what they handed to write calls, files and
sockets, beside what the streams held. Build the release preset first; footage comes from
tests/demo.sh.
"""

import argparse
import datetime
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("ROADWATCH", os.path.join(ROOT, "build/release/roadwatch"))
os.environ.setdefault("CAMERAS", os.path.join(ROOT, "build/release/tests/support/cameras"))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import harness  # noqa: E402

STREAMS = ("main", "sub")


def read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ""


def cpu_s(pid):
    """Run time of all threads, in nanoseconds by the scheduler's own account."""
    total = 0
    for task in os.listdir("/proc/%d/task" % pid):
        words = read("/proc/%d/task/%s/schedstat" % (pid, task)).split()
        total += int(words[0]) if words else 0
    return total / 1e9


def field(text, name):
    for line in text.splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


class Account:
    def __init__(self, pids):
        self.cpu = sum(cpu_s(p) for p in pids)
        self.written = sum(field(read("/proc/%d/io" % p), "wchar:") for p in pids)
        self.pss = sum(field(read("/proc/%d/smaps_rollup" % p), "Pss:") for p in pids)
        self.at = time.monotonic()


def measure(pids, seconds):
    before = Account(pids)
    time.sleep(seconds)  # the window itself, not a wait for something
    after = Account(pids)
    return before, after


def mdat_bytes(path):
    """Bytes of coded pictures in a slot."""
    total = at = 0
    with open(path, "rb") as f:
        while True:
            f.seek(at)
            head = f.read(8)
            size, kind = int.from_bytes(head[:4], "big"), head[4:]
            if size < 8 or kind == b"free":
                return total
            total += size - 8 if kind == b"mdat" else 0
            at += size


def stream_bytes(box, cameras):
    """Bytes of coded pictures a camera-minute, by what was recorded."""
    total = 0
    for i in range(cameras):
        for stream in STREAMS:
            covered = box.ask("coverage", "--camera", "c%d" % i, "--from", "-1h", "--stream",
                              stream)["recorded_s"]
            held = sum(mdat_bytes(path) for path in box.slots("c%d" % i, stream))
            total += held / covered * 60
    return total / cameras


def lost_s(box, cameras, began, ended):
    """Seconds of all streams between these that stand in no recording."""
    total = 0
    for i in range(cameras):
        for stream in STREAMS:
            covered = box.coverage("c%d" % i, began, ended, stream)
            total += sum(harness.seconds(gap) for gap in covered["gaps"])
    return total


def ffmpeg_copy(server, cameras, seconds, folder):
    """Main and sub of each camera copied into files, nothing looked at."""
    runs = []
    for i in range(cameras):
        for stream in STREAMS:
            runs.append(subprocess.Popen(
                ["ffmpeg", "-v", "error", "-nostdin", "-rtsp_transport", "tcp", "-i",
                 server.url("c%d/%s" % (i, stream)), "-c", "copy", "-f", "segment", "-segment_time",
                 "60", "-y", os.path.join(folder, "c%d-%s-%%d.mp4" % (i, stream))]))
    time.sleep(8)  # connected and probed
    before, after = measure([r.pid for r in runs], seconds)
    for run in runs:
        run.terminate()
    for run in runs:
        run.wait()
    return before, after


def row(what, before, after, cameras):
    minutes = (after.at - before.at) / 60 * cameras
    print("%-44s %6.3f CPU-s per camera-minute   %5.1f MB PSS per camera" %
          (what, (after.cpu - before.cpu) / minutes, after.pss / 1024 / cameras), flush=True)


def service(server, cameras, seconds, watched):
    """Roadwatch over these cameras; what it wrote and lost is told below its row."""
    box = harness.Box()
    box.config["storage"].update(slot_size="16 MiB", sync="2s")
    names = ["c%d" % i for i in range(cameras)]
    try:
        box.add_broker()
        for name in names:
            box.add_camera(server, name, main=name + "/main", sub=name + "/sub", keep="64 MiB",
                           alert={}, detect={"enabled": watched})
        box.start()
        box.wait_recording(*names)
        time.sleep(10)  # the detectors have learned their backgrounds
        began = harness.now()
        before, after = measure(box.pids(), seconds)
        ended = harness.now() - datetime.timedelta(seconds=1)  # the last pictures are on their way
        row("roadwatch, recording" + (" and watching" if watched else " alone"), before, after,
            cameras)
        box.stop()
        minutes = (after.at - before.at) / 60 * cameras
        written, held = (after.written - before.written) / minutes, stream_bytes(box, cameras)
        print("  %.0f kB written a camera-minute, files and sockets; the streams held %.0f: x %.3f" %
              (written / 1000, held / 1000, written / held))
        print("  %.1f s not recorded, of %.0f of all streams" %
              (lost_s(box, cameras, began, ended), seconds * cameras * len(STREAMS)), flush=True)
    finally:
        box.close()


def copy(server, cameras, seconds):
    with tempfile.TemporaryDirectory() as folder:
        before, after = ffmpeg_copy(server, cameras, seconds, folder)
        row("ffmpeg -c copy, two processes a camera", before, after, cameras)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--seconds", type=int, default=60)
    a = parser.parse_args()
    streams = {}
    for i in range(a.cameras):
        for stream, height in zip(STREAMS, (1080, 360)):
            streams["c%d/%s" % (i, stream)] = "street-%d@%d" % (height, i * 5)
    stand = harness.Box()  # nothing runs in it but the cameras
    try:
        server = stand.add_server(streams)
        service(server, a.cameras, a.seconds, True)
        service(server, a.cameras, a.seconds, False)
        copy(server, a.cameras, a.seconds)
    finally:
        stand.close()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How fast a long backlog goes out to a broker on this machine. Prints; asserts nothing.

    cmake --preset release && cmake --build --preset release
    tests/bench/alerts.py [--events 10000]

The events, with their pictures, lie in one camera's index; seconds count from the start of the
role `alerts`, memory is its largest resident set. Footage comes from tests/demo.sh.
"""

import argparse
import os
import shutil
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
os.environ.setdefault("ROADWATCH", os.path.join(ROOT, "build/release/roadwatch"))
os.environ.setdefault("CAMERAS", os.path.join(ROOT, "build/release/tests/support/cameras"))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import harness  # noqa: E402
import harness_outbox as outbox  # noqa: E402


def count(box, text):
    return sum(text in m.topic for m in list(box.phone.messages))


def run(box, events):
    box.simple("gate")
    box.add_broker()
    outbox.record_one_event(box, "gate")
    outbox.add_past(box, "gate", events, hours=72)
    box.broker.restart()
    began = time.monotonic()
    outbox.play_alerts(box)
    for what, topic in (("words", "/gate/event"), ("pictures", "/gate/thumbnail/")):
        harness.wait_until(lambda t=topic: count(box, t) >= events, 600, what)
        print("%d events, %s: all there after %.1f s, memory at most %.1f MiB"
              % (events, what, time.monotonic() - began,
                 outbox.memory_peak_kib(box.main.pid) / 1024), flush=True)
    with open("/proc/%d/stat" % box.main.pid, encoding="utf-8") as f:
        words = f.read().rpartition(")")[2].split()
    cpu = (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    print("%.2f ms of CPU an event, pictures included" % (cpu * 1000 / events))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--events", type=int, default=10000)
    box = harness.Box()
    try:
        run(box, parser.parse_args().events)
    finally:
        box.close()
        shutil.rmtree(box.folder, ignore_errors=True)


if __name__ == "__main__":
    main()

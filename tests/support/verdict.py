"""The demo's verdict: did every camera record both streams without a gap, and did an alert of
every camera arrive?

    verdict.py ROADWATCH CONFIG FOLDER FROM TO CAMERA...

FROM, TO: RFC 3339, the time the service ran. FOLDER has phone.py's alerts.txt. Prints a table and
the reasons against; exit status 0 only when there are none.
"""

import datetime
import json
import os
import subprocess
import sys

STARTING_S = 15  # until a camera's first picture
ENDING_S = 2     # from the last picture to the end


def instant(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def length(span):
    return (instant(span["to"]) - instant(span["from"])).total_seconds()


def coverage(roadwatch, config, camera, stream, start, end):
    done = subprocess.run([roadwatch, "coverage", "-c", config, "--camera", camera, "--stream",
                           stream, "--from", start, "--to", end, "--json"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return json.loads(done.stdout), None


def faults(seen):
    """What is wrong with a stream, and how many seconds and gaps it has."""
    if not seen["spans"]:
        return ["nothing was recorded"], 0, 0
    first, last = seen["spans"][0]["from"], seen["spans"][-1]["to"]
    inner = [g for g in seen["gaps"]
             if instant(g["from"]) >= instant(first) and instant(g["to"]) <= instant(last)]
    found = ["gap of %.1f s at %s: %s" % (length(g), g["from"], g["cause"]) for g in inner]
    late = length({"from": seen["from"], "to": first})
    early = length({"from": last, "to": seen["to"]})
    if late > STARTING_S:
        found.append("the first picture came after %.1f s" % late)
    if early > ENDING_S:
        found.append("the last %.1f s are missing" % early)
    span = length({"from": first, "to": last})
    if abs(span - seen["recorded_s"]) > 0.1:
        found.append("%.1f s recorded of %.1f s" % (seen["recorded_s"], span))
    return found, seen["recorded_s"], len(inner)


def main(roadwatch, config, folder, start, end, *cameras):
    with open(os.path.join(folder, "alerts.txt"), encoding="utf-8") as f:
        told = [line.split() for line in f]
    reasons = []
    print("%-12s %10s %10s %6s %8s" % ("camera", "main s", "sub s", "gaps", "alerts"))
    for camera in cameras:
        seconds, gaps = {}, 0
        for stream in ("main", "sub"):
            seen, wrong = coverage(roadwatch, config, camera, stream, start, end)
            if wrong is not None:
                reasons.append("%s %s: %s" % (camera, stream, wrong))
                continue
            found, seconds[stream], count = faults(seen)
            gaps += count
            reasons += ["%s %s: %s" % (camera, stream, fault) for fault in found]
        alerts = len({event for c, event, _ in told if c == camera})
        if alerts == 0:
            reasons.append("%s: no alert arrived" % camera)
        print("%-12s %10.1f %10.1f %6d %8d" % (camera, seconds.get("main", 0),
                                               seconds.get("sub", 0), gaps, alerts))
    for reason in reasons:
        print("FAILED: " + reason)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

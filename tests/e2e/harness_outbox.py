"""Boxes with a past: events that were kept while the broker was away, hundreds at a time.

They are copies of one that a real camera made, with times, ids and revisions of their own, put into
the index of a box that is not running. Then the role `alerts` runs by itself.
"""

import contextlib
import json
import sqlite3
import subprocess
import time

import harness
from harness import wait_until

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(number):
    text = ""
    for _ in range(26):
        text = DIGITS[number % 32] + text
        number //= 32
    return text


def look_into(box, camera):
    return contextlib.closing(sqlite3.connect("file:%s/%s/index.db?mode=ro" % (box.storage, camera),
                                              uri=True))


def pictured_event(box, camera):
    """A finished event with its pictures, as the store has it; None: there is none yet."""
    try:
        with look_into(box, camera) as db:
            return db.execute("SELECT e.record, p.jpeg, p.thumbnail FROM events e JOIN pictures p"
                              " ON e.id=p.id WHERE e.end_us>0 LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return None


def record_one_event(box, *cameras):
    """Starts the box without its broker, and stops it when each camera has an event to copy."""
    box.broker.stop()
    box.start()
    for camera in cameras:
        wait_until(lambda c=camera: pictured_event(box, c), 40, "an event of %s to end" % camera)
    box.stop()


def add_rows(db, count, hours, record, jpeg, thumbnail):
    event = json.loads(record)
    now_us = time.time_ns() // 1000
    revision = db.execute("SELECT max(revision) FROM events").fetchone()[0]
    for i in range(count):
        start = now_us - int((count - i) * hours * 3600e6 / count)
        shift = start - event["start"]
        copy = dict(event, id=ulid((start // 1000 << 80) + i), revision=revision + 1 + i,
                    **{k: event[k] + shift for k in ("start", "end", "peak", "seen", "decided")})
        db.execute("INSERT INTO events VALUES(?,?,?,?,1,?)",
                   (copy["id"], copy["revision"], start, copy["end"], json.dumps(copy)))
        db.execute("INSERT INTO pictures VALUES(?,?,?)", (copy["id"], jpeg, thumbnail))


def add_past(box, camera, count, hours):
    """`count` events, evenly over the last hours. -> their ids, oldest first."""
    pictures = pictured_event(box, camera)
    # The last to close a database takes its log away, without which a reader cannot open it; one
    # that may only read does not.
    with look_into(box, camera) as last:
        last.execute("SELECT count(*) FROM events").fetchone()
        with contextlib.closing(sqlite3.connect("%s/%s/index.db" % (box.storage, camera))) as db:
            add_rows(db, count, hours, *pictures)
            db.commit()
            return [row[0] for row in last.execute(
                "SELECT id FROM events ORDER BY revision DESC LIMIT ?", (count,))][::-1]


def play_alerts(box):
    """The role by itself, as the box's program."""
    with open(box.log_path, "ab") as log:
        box.main = subprocess.Popen([harness.ROADWATCH, "alerts", "-c", box.config_path],
                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env=box.environment())


def kill(box):
    box.main.kill()
    box.main.wait()


def told(box, camera):
    """Ids of what was told of a camera, in order, each once."""
    return list(dict.fromkeys(e["id"] for e in box.phone.events(camera)))


def pictured(box, camera):
    """Ids whose small picture came by itself."""
    prefix = "/%s/thumbnail/" % camera
    return list(dict.fromkeys(m.topic.rpartition("/")[2] for m in list(box.phone.messages)
                              if prefix in m.topic))


def memory_peak_kib(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:"))



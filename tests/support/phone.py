"""What a phone would show: reads `mosquitto_sub -F '%t %x'` and prints alerts as lines.

    mosquitto_sub ... -F '%t %x' | python3 phone.py FOLDER

The newest picture is kept as FOLDER/newest-alert.jpg; every event that arrived is a line
"camera id phase" in FOLDER/alerts.txt.
"""

import datetime
import json
import os
import sys


def local_clock(text):
    when = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")
    return when.astimezone().strftime("%H:%M:%S")


def keep_picture(folder, jpeg):
    path = os.path.join(folder, "newest-alert.jpg")
    with open(path + ".new", "wb") as f:
        f.write(jpeg)
    os.replace(path + ".new", path)
    return path


def show(event, picture):
    if event["phase"] == "start":
        size = "%d KB" % (os.path.getsize(picture) // 1024) if picture else "none"
        print("%s  %s  [%s, picture: %s]" % (local_clock(event["times"]["sent"]), event["text"],
                                             event["camera"], size), flush=True)
    elif event["phase"] == "end" and event["end"]:
        print("%s  %s: ended at %s" % (local_clock(event["times"]["sent"]), event["camera_name"],
                                       local_clock(event["end"])), flush=True)


def main(folder):
    picture = None
    with open(os.path.join(folder, "alerts.txt"), "a", encoding="utf-8") as tally:
        for line in sys.stdin:
            topic, _, payload = line.strip().partition(" ")
            payload = bytes.fromhex(payload)
            if topic.endswith("/snapshot"):
                picture = keep_picture(folder, payload)
            elif topic.endswith("/event"):
                event = json.loads(payload)
                tally.write("%s %s %s\n" % (event["camera"], event["id"], event["phase"]))
                tally.flush()
                show(event, picture)


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except KeyboardInterrupt:
        pass

"""After an event its film comes over MQTT, and plays from the payload alone."""

import json
import subprocess

import harness
from harness import wait_until


def boxes(payload):
    """The boxes at the top of an MP4."""
    names, at = [], 0
    while at < len(payload):
        names.append(payload[at + 4:at + 8].decode())
        at += int.from_bytes(payload[at:at + 4], "big")
    return names


def film(payload):
    """What ffprobe says of it, read from a pipe: it cannot go back to look for an index."""
    done = subprocess.run(["ffprobe", "-v", "error", "-show_entries",
                           "format=duration:stream=width,height,codec_name", "-of", "json", "-"],
                          input=payload, capture_output=True, timeout=30, check=True)
    return json.loads(done.stdout)


class FilmFollowsItsEvent(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate", "market", "yard")
        gate, market, yard = self.box.config["cameras"]
        gate["alert"]["clip"] = {"seconds": 4}
        del market["sub"]
        market["alert"]["clip"] = {"max": "60 KB"}
        yard["alert"]["clip"] = {"seconds": 0}
        self.box.add_broker()
        self.box.start()

    def clips(self, camera):
        """{event id: message}"""
        return {m.topic.rpartition("/")[2]: m for m in list(self.box.phone.messages)
                if "/%s/clip/" % camera in m.topic}

    def assert_plays(self, payload):
        names = boxes(payload)
        self.assertLess(names.index("moov"), names.index("mdat"))
        self.assertNotIn("moof", names)
        done = subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", "pipe:0", "-f", "null",
                               "-"], input=payload, capture_output=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_films(self):
        for camera in ("gate", "market"):
            wait_until(lambda c=camera: len(self.clips(c)) >= 2, 60, "films of " + camera)
        for camera, width in (("gate", 320), ("market", 640)):
            for event_id, message in self.clips(camera).items():
                self.check_film(camera, event_id, message, width)
        self.assertTrue(self.box.phone.events("yard"))
        self.assertEqual(self.clips("yard"), {})

    def check_film(self, camera, event_id, message, width):
        self.assertFalse(message.retained)
        self.assert_plays(message.payload)
        seen = film(message.payload)
        self.assertEqual(seen["streams"][0]["width"], width, "of the small stream, if there is one")
        ends = [m for m in self.box.phone.on("/%s/event" % camera)
                if m.json()["id"] == event_id and m.json()["phase"] == "end"]
        self.assertLessEqual(ends[0].when, message.when, "words first")
        if camera == "gate":
            self.assertLess(float(seen["format"]["duration"]), 4 + 3, "from the keyframe before")
            self.assertGreater(float(seen["format"]["duration"]), 1)
        else:
            self.assertLessEqual(len(message.payload), 60000)


if __name__ == "__main__":
    harness.main()

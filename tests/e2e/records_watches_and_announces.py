"""The natural way of a picture, three cameras at once: camera, disk, alert on a phone."""

import base64
import os
import shutil

import harness
from harness import instant, let_pass, now, wait_until

CAMERAS = {"gate": "Cổng làng", "market": "Ngã ba chợ", "bridge": "Cầu Dùng"}
# Of the gate: both halves of the picture, and the line between them.
ZONES = [{"name": "trái", "polygon": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]},
         {"name": "phải", "polygon": [[0.5, 0], [1, 0], [1, 1], [0.5, 1]]}]
LINES = [{"name": "giữa", "from": [0.5, 1], "to": [0.5, 0]}]
FIELDS = {"v": int, "id": str, "site": str, "camera": str, "camera_name": str, "kind": str,
          "phase": str, "revision": int, "start": str, "peak": str, "zones": list, "lines": list,
          "box": list, "whole": list, "path": list, "score": (int, float), "thumbnail": str, "text": str, "clock": dict, "times": dict, "links": dict}


class RecordsWatchesAndAnnounces(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple(*CAMERAS)
        self.box.add_broker()
        for camera in self.box.config["cameras"]:
            camera["name"] = CAMERAS[camera["id"]]
            if camera["id"] == "gate":
                camera.setdefault("detect", {}).update(zones=ZONES, lines=LINES)
        self.began = now()
        self.box.start()

    def phases(self, camera):
        return {e["phase"] for e in self.box.phone.events(camera)}

    def test_every_camera_is_recorded_watched_and_announced(self):
        for camera in CAMERAS:
            wait_until(lambda c=camera: {"start", "end"} <= self.phases(c), 60,
                       "an event of %s from start to end" % camera)
        for camera in CAMERAS:
            for event in self.box.phone.events(camera):
                self.check_event(camera, event)
            self.check_snapshot_came_first(camera)
            self.check_states(camera)
        self.check_a_slot_copied_while_recording()
        self.check_cli_agrees_with_the_phone()
        status, took = self.box.stop()
        self.assertEqual(status, 0)
        self.assertLess(took, 5 * harness.SLOWER)
        self.check_coverage()
        self.assert_fsck_clean()
        wait_until(lambda: self.box.phone.on("thon-dung/status")[-1].payload == b"offline", 5,
                   "the box to say offline")

    def check_event(self, camera, event):
        for field, kind in FIELDS.items():
            self.assertIsInstance(event[field], kind, field)
        self.assertEqual((event["v"], event["site"], event["camera"], event["camera_name"]),
                         (1, "thon-dung", camera, CAMERAS[camera]))
        self.assertIn(CAMERAS[camera], event["text"])
        self.assertEqual(event["end"] is None, event["phase"] != "end")
        x, y, w, h = event["box"]
        self.assertTrue(0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1.001 - x and 0 < h <= 1.001 - y)
        self.assertTrue(0 <= event["score"] <= 1)
        self.check_places(camera, event)
        times = event["times"]
        self.assertLessEqual(instant(event["start"]), instant(times["decided"]))
        self.assertLessEqual(instant(event["start"]), instant(event["peak"]))
        if event["end"]:
            self.assertLessEqual(instant(event["peak"]), instant(event["end"]))
        self.assertLessEqual(instant(times["decided"]), instant(times["sent"]))
        self.assertIn(event["id"], event["links"]["snapshot"])
        self.assertIn(event["id"], event["links"]["clip"])
        jpeg = base64.b64decode(event["thumbnail"], validate=True)
        self.assertLessEqual(len(jpeg), 5 * 1024)
        self.check_jpeg(jpeg)

    def check_places(self, camera, event):
        self.assertEqual(event["kind"], "motion")
        x, y, w, h = event["box"]
        left, top, width, height = event["whole"]
        self.assertLessEqual((left, top), (x + 0.001, y + 0.001))
        self.assertGreaterEqual((left + width + 0.001, top + height + 0.001), (x + w, y + h))
        self.assertTrue(0 < len(event["path"]) <= 16, event["path"])
        for point in event["path"]:
            self.assertTrue(len(point) == 2 and all(0 <= number <= 1 for number in point), point)
        named = [zone["name"] for zone in ZONES] if camera == "gate" else []
        self.assertEqual(bool(event["zones"]), bool(named))
        self.assertLessEqual(set(event["zones"]), set(named))
        self.assertEqual(len(set(event["zones"])), len(event["zones"]))
        for line in event["lines"]:
            self.assertEqual(camera, "gate")
            self.assertEqual(line["name"], "giữa")
            self.assertIn(line["to"], ("left", "right"))
        if len(event["zones"]) > 1:
            self.assertIn("(%s" % " → ".join(event["zones"]), event["text"])

    def check_jpeg(self, jpeg):
        self.assertEqual(jpeg[:2], b"\xff\xd8")
        path = os.path.join(self.box.folder, "picture.jpg")
        with open(path, "wb") as f:
            f.write(jpeg)
        self.assertGreater(harness.probe(path, "width")["width"], 16)
        self.assert_decodes(path)

    def check_snapshot_came_first(self, camera):
        messages = list(self.box.phone.messages)
        topics = [m.topic.rpartition("/")[2] for m in messages
                  if m.topic.endswith(("/%s/event" % camera, "/%s/snapshot" % camera))]
        self.assertEqual(topics[:2], ["snapshot", "event"])
        snapshot = self.box.phone.on("/%s/snapshot" % camera)[-1].payload
        path = os.path.join(self.box.folder, "snapshot.jpg")
        with open(path, "wb") as f:
            f.write(snapshot)
        self.assertEqual(harness.probe(path, "width,height"), {"width": 320, "height": 180})
        self.check_jpeg(snapshot)

    def check_states(self, camera):
        wait_until(lambda: self.box.phone.on("/%s/status" % camera)[-1].json()["watch"], 15,
                   "%s to say how it is watched" % camera)
        state = self.box.phone.on("/%s/status" % camera)[-1].json()
        self.assertEqual((state["state"], state["recording"]), ("online", True))
        self.check_watch(state["watch"])
        self.assertEqual(self.box.phone.on("/%s/armed" % camera)[-1].payload, b"ON")
        self.assertEqual(self.box.phone.on("thon-dung/status")[-1].payload, b"online")
        told = self.box.status(camera)
        self.assertEqual((told["state"], told["recording"]), ("online", True))
        self.check_watch(told["watch"])
        self.assertGreater(told["watch_fps"], 0)

    def check_watch(self, watch):
        self.assertGreater(watch["fps"], 0)
        self.assertGreater(watch["of"], 0)
        self.assertIsInstance(watch["thinned"], bool)
        self.assertGreaterEqual(watch["weather"], 0)
        self.assertGreaterEqual(watch["smallest"], 1)
        self.assertIsInstance(watch["raised"], bool)
        self.assertIn(watch["on"], (None, "motion"))

    def check_a_slot_copied_while_recording(self):
        for stream, width in (("main", 640), ("sub", 320)):
            copy = os.path.join(self.box.folder, stream + "-copy.mp4")
            shutil.copyfile(self.box.newest_slot("gate", stream), copy)
            self.assertEqual(harness.probe(copy, "width")["width"], width)
            self.assert_decodes(copy)

    def check_cli_agrees_with_the_phone(self):
        kept = {e["id"] for e in self.box.events("--camera", "gate")}
        told = {(e["id"], e["revision"]): e for e in self.box.phone.events("gate")}
        self.assertTrue(told)
        self.assertLessEqual({id for id, _ in told}, kept)
        for event in self.box.events("--camera", "gate"):
            self.assertNotIn("thumbnail", event)
            same = told.get((event["id"], event["revision"]), event)
            for field in ("kind", "peak", "zones", "lines", "box", "whole", "path"):
                self.assertEqual(event[field], same[field], field)

    def check_coverage(self):
        for camera in CAMERAS:
            for stream in ("main", "sub"):
                seen = self.box.coverage(camera, self.began, now(), stream)
                self.assert_adds_up(seen)
                self.assertEqual(len(seen["spans"]), 1, seen)
                self.assertEqual([g["cause"] for g in seen["gaps"]][0], "before-first")

    def test_status_is_one_table_for_people(self):
        self.box.wait_recording(*CAMERAS)
        let_pass(1)
        code, out, err = self.box.cli("status")
        self.assertEqual((code, err), (0, ""))
        for camera in CAMERAS:
            self.assertIn(camera, out)
        whole = self.box.status()
        self.assertEqual((whole["site"], whole["ok"]), ("thon-dung", True))
        self.assertTrue(whole["alerts"]["connected"])


if __name__ == "__main__":
    harness.main()

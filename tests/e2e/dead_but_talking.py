"""A camera goes on sending, and sends nothing of use: noticed within ten seconds, said with what to
do about it, one event of kind `fault`, and over when it is good again."""

import re
import time

import harness
from harness import now, wait_until

NOTICED_S = 10


class DeadButTalking(harness.Case):
    def watch(self, camera="gate"):
        """The service with one camera and a phone; returns the camera server."""
        server = self.box.simple(camera)
        self.box.add_broker()
        self.box.start()
        self.box.wait_recorded(camera, 4)
        wait_until(lambda: self.box.status(camera)["reason"] == "", 10, "all to be well")
        return server

    def wait_reason(self, words, timeout_s=NOTICED_S):
        wait_until(lambda: words in self.box.status("gate")["reason"], timeout_s,
                   "the state to say that " + words)

    def faults(self):
        return [e for e in self.box.phone.events("gate") if e["kind"] == "fault"]

    def expect_one_fault(self, words):
        wait_until(self.faults, 10, "the event to reach the phone")
        first = self.faults()[0]
        self.assertEqual(first["phase"], "start")
        self.assertIn(words, first["reason"])
        self.assertIn("camera gửi dữ liệu hỏng", first["text"])
        self.assertIsNone(first["box"])
        self.assertNotIn("thumbnail", first)
        self.assertEqual({e["id"] for e in self.faults()}, {first["id"]})
        told = [m.json()["reason"] for m in self.box.phone.on("/gate/status")]
        self.assertTrue(any(words in reason for reason in told), told)
        self.assertEqual(len(self.box.lines("event", first["id"], words)), 1)

    def expect_well(self):
        wait_until(lambda: self.box.status("gate")["reason"] == "" and
                   self.box.status("gate")["state"] == "online", 20, "all to be well again")

    def test_the_same_picture_again_and_again(self):
        server = self.watch()
        for stream in ("sub", "main"):
            server.order("freeze", "gate/" + stream)
            words = ("sub stream: " if stream == "sub" else "") + "the camera repeats one and the same"
            self.wait_reason(words)
            self.assertEqual(self.box.status("gate")["state"], "online")
            self.assertTrue(self.box.status("gate")["recording"])
            server.order("resume", "gate/" + stream)
            self.expect_well()
        self.expect_one_fault("repeats one and the same picture")
        self.box.stop()
        kept = [e for e in self.box.events("--camera", "gate") if e["kind"] == "fault"]
        self.assertEqual([e["phase"] for e in kept], ["end"])
        self.assert_fsck_clean()

    def test_data_without_pictures(self):
        server = self.watch()
        began = time.monotonic()
        server.order("mute", "gate/main")
        self.wait_reason("sends data but no pictures")
        self.assertLess(time.monotonic() - began, NOTICED_S * harness.SLOWER)
        self.assertEqual(self.box.status("gate")["state"], "offline")
        self.expect_one_fault("sends data but no pictures")
        server.order("resume", "gate/main")
        self.expect_well()
        self.box.wait_recording("gate")

    def test_a_clock_that_stands_still(self):
        """Pictures that bear one time may not be told apart: then there is none to be had of it."""
        server = self.watch()
        began = time.monotonic()
        server.order("still", "gate/main")
        wait_until(lambda: re.search("stream stands still|sends data but no pictures",
                                     self.box.status("gate")["reason"]),
                   NOTICED_S, "the state to tell it")
        self.assertLess(time.monotonic() - began, NOTICED_S * harness.SLOWER)
        self.expect_one_fault("stream")
        server.order("resume", "gate/main")
        self.expect_well()
        self.box.wait_recording("gate")

    def test_the_scene_as_it_is_recorded_is_no_fault(self):
        """Real pictures, also of an hour in which next to nothing moves."""
        self.box.simple("gate", shows="quiet-360", small="quiet-180")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 14)
        self.assertEqual(self.box.status("gate")["reason"], "")
        self.box.stop()
        self.assertEqual([e for e in self.box.events("--from", harness.rfc3339(began))
                          if e["kind"] in ("fault", "camera_changed")], [])


class AnotherCamera(harness.Case):
    def changes(self):
        return [e for e in self.box.events("--camera", "gate") if e["kind"] == "camera_changed"]

    def test_other_parameter_sets_are_an_event_and_are_then_known(self):
        server = self.box.simple("gate", small=None)
        self.box.start()
        self.box.wait_recorded("gate", 4)
        self.assertEqual(self.changes(), [])
        server.order("switch", "gate/main", harness.film("street-180"))
        told = wait_until(self.changes, 15, "the event")
        self.assertIn("main stream: other parameter sets", told[0]["reason"])
        self.assertIn("camera có thể đã bị thay", told[0]["text"])
        self.box.stop()
        self.box.start()
        self.box.wait_recording("gate")
        self.box.stop()
        self.assertEqual([e["id"] for e in self.changes()], [told[0]["id"]])
        self.assertEqual(self.changes()[0]["phase"], "end")
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

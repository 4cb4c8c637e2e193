"""One stream only: it is recorded and watched all the same."""

import harness
from harness import now, wait_until


class CameraWithoutSub(harness.Case):
    def test_its_main_stream_is_watched(self):
        self.box.simple("gate", small=None)
        self.box.add_broker()
        began = now()
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 40, "an alert")
        snapshot = self.box.phone.on("/gate/snapshot")[0].payload
        self.assertEqual(snapshot[:2], b"\xff\xd8")
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
        self.assertEqual(self.box.slots("gate", "sub"), [])


if __name__ == "__main__":
    harness.main()

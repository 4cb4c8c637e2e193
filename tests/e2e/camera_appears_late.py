"""A camera that is not there when the box starts is recorded as soon as it comes."""

import harness
from harness import let_pass, now, wait_until


class CameraAppearsLate(harness.Case):
    def test_it_is_recorded_within_seconds_of_its_coming(self):
        server = self.box.simple("gate", "market")
        server.order("stop", "gate/main")
        server.order("stop", "gate/sub")
        began = now()
        self.box.start()
        self.box.wait_recording("market")
        wait_until(lambda: self.box.status("gate")["reason"], 15, "a reason for gate")
        seen = self.box.status("gate")
        self.assertFalse(seen["recording"])
        self.assertIn(seen["state"], ("connecting", "offline"))
        self.assertFalse(self.box.status()["ok"])
        let_pass(5)

        server.order("start", "gate/main")
        server.order("start", "gate/sub")
        self.box.wait_recording("gate", timeout_s=12)
        wait_until(lambda: self.box.status("gate")["state"] == "online", 5, "gate online")
        self.box.wait_recorded("gate", 3)
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assertEqual(coverage["gaps"][0]["cause"], "before-first")
        self.assert_no_gap(coverage)


if __name__ == "__main__":
    harness.main()

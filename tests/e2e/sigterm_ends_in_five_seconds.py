"""SIGTERM at any moment: everything ends cleanly in under five seconds."""

import harness
from harness import let_pass, now, wait_until

LIMIT_S = 5


class SigtermEndsInFiveSeconds(harness.Case):
    def check_end(self):
        status, took = self.box.stop(10)
        self.assertEqual(status, 0)
        self.assertLess(took, LIMIT_S * harness.SLOWER)
        self.assertEqual(self.box.pids(), {})

    def test_while_it_records_and_announces(self):
        self.box.simple("gate", "market")
        self.box.add_broker()
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 5)
        stopped = now()
        self.check_end()
        self.assert_fsck_clean()
        coverage = self.box.coverage("gate", began, stopped)
        self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
        # a clean end loses nothing that was received
        tail = [harness.seconds(g) for g in coverage["gaps"] if g["cause"] != "before-first"]
        self.assertLess(sum(tail), 1)

    def test_the_phone_is_told_how_it_ended(self):
        self.box.simple("gate")
        self.box.add_broker()
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 30, "an event")
        self.check_end()
        phone = self.box.phone
        wait_until(lambda: phone.on("roadwatch/thon-dung/gate/status")[-1].json()["state"] ==
                   "offline", 5, "the camera's last state")
        begun = {e["id"] for e in phone.events("gate")}
        ended = {e["id"] for e in phone.events("gate") if e["phase"] == "end"}
        self.assertEqual(begun, ended)

    def test_right_after_the_start(self):
        self.box.simple("gate", "market")
        self.box.start()
        wait_until(lambda: len(self.box.pids()) > 1, 10, "the children to be there")
        self.check_end()

    def test_while_cameras_are_silent_and_the_broker_is_away(self):
        server = self.box.simple("gate", "market")
        self.box.add_broker()
        self.box.broker.stop()
        self.box.start()
        self.box.wait_recording("gate", "market")
        server.order("hang", "gate/main")
        server.order("hang", "gate/sub")
        server.order("stop", "market/main")
        let_pass(2)
        self.check_end()
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

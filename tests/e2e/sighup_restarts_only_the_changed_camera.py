"""SIGHUP: the camera whose section changed starts anew, the rest does not lose a frame."""

import os
import signal

import harness
from harness import let_pass, now, wait_until


class SighupRestartsOnlyTheChangedCamera(harness.Case):
    def setUp(self):
        super().setUp()
        self.server = self.box.simple("gate", "market")
        self.began = now()
        self.box.start()
        self.box.wait_recording("gate", "market")
        self.before = self.pids("gate", "market")

    def pids(self, *cameras):
        return {c: self.box.pid("camera", c) for c in cameras}

    def reload(self):
        self.box.main.send_signal(signal.SIGHUP)

    def test_a_changed_camera_starts_anew_and_the_other_runs_on(self):
        self.box.config["cameras"][0]["detect"] = {"sensitivity": 60}
        self.box.write_config()
        self.reload()
        wait_until(lambda: self.box.pid("camera", "gate") not in (None, self.before["gate"]), 10,
                   "gate to start anew")
        self.box.wait_recording("gate")
        let_pass(2)
        self.assertEqual(self.box.pid("camera", "market"), self.before["market"])
        coverage = self.box.coverage("market", self.began, now())
        self.assertEqual(len(coverage["spans"]), 1, coverage)

    def test_a_bad_file_is_refused_and_the_old_one_stays_in_force(self):
        good = self.box.config["cameras"][0].pop("main")
        self.box.write_config()
        self.reload()
        wait_until(lambda: self.box.lines("roadwatch.yaml:"), 10, "the refusal with its line")
        let_pass(1)
        self.assertEqual(self.pids("gate", "market"), self.before)
        self.box.config["cameras"][0]["main"] = good
        self.box.write_config()

    def test_cameras_come_and_go(self):
        leaving = self.box.config["cameras"].pop(0)
        self.box.write_config()
        self.reload()
        wait_until(lambda: self.box.pid("camera", "gate") is None, 10, "gate to end")
        self.assertEqual(self.box.pid("camera", "market"), self.before["market"])
        self.box.config["cameras"].append(leaving)
        self.box.write_config()
        self.reload()
        wait_until(lambda: self.box.pid("camera", "gate"), 10, "gate to be back")
        self.box.wait_recording("gate")
        self.assertEqual(self.box.pid("camera", "market"), self.before["market"])

    def test_a_changed_broker_leaves_the_cameras_alone(self):
        self.box.add_broker()
        self.box.write_config()
        self.reload()
        wait_until(lambda: self.box.pid("alerts"), 10, "the alerts to start")
        wait_until(lambda: self.box.phone.events("gate"), 40, "an alert")
        self.assertEqual(self.pids("gate", "market"), self.before)
        self.assertTrue(os.path.exists(self.box.config_path))


if __name__ == "__main__":
    harness.main()

"""transport: udp, for the camera that knows nothing else."""

import harness
from harness import now


class CameraOverUdp(harness.Case):
    def test_it_is_recorded_without_a_gap(self):
        server = self.box.add_server({"gate/main": "street-360"})
        self.box.add_camera(server, "gate")["main"]["transport"] = "udp"
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 8)
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
        self.assert_decodes(self.box.newest_slot("gate"))
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

"""An H.265 camera is recorded as it is, and watched."""

import harness
from harness import wait_until


class HevcCamera(harness.Case):
    def test_it_is_recorded_and_announced(self):
        server = self.box.add_server({"gate/main": "hevc-360"})
        self.box.add_camera(server, "gate")
        self.box.add_broker()
        self.box.start()
        wait_until(lambda: self.box.phone.events("gate"), 40, "an alert")
        self.box.wait_recorded("gate", 5)
        self.box.stop()
        slot = self.box.newest_slot("gate")
        self.assertEqual(harness.probe(slot, "codec_name,codec_tag_string,width"),
                         {"codec_name": "hevc", "codec_tag_string": "hvc1", "width": 640})
        self.assert_decodes(slot)
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

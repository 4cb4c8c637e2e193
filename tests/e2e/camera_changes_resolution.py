"""Somebody sets another resolution in the camera: recording goes on in the same session."""

import harness
from harness import film, let_pass, now


class CameraChangesResolution(harness.Case):
    def test_recording_goes_on_with_the_new_picture(self):
        server = self.box.simple("gate", small=None)
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 5)
        before = self.box.newest_slot("gate")
        server.order("switch", "gate/main", film("street-180"))
        let_pass(6)
        self.box.stop()
        after = self.box.newest_slot("gate")
        self.assertNotEqual(before, after)
        self.assertEqual(harness.probe(before, "width")["width"], 640)
        self.assertEqual(harness.probe(after, "width")["width"], 320)
        self.assert_decodes(before)
        self.assert_decodes(after)
        self.assertEqual(server.sessions("gate/main"), 1)
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        lost = sum(harness.seconds(g) for g in coverage["gaps"][1:-1])
        self.assertLess(lost, 1)
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

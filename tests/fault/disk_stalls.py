"""A disk that does nothing for 5 s, twice: not one picture is missing."""

import disks
from harness import let_pass, now


class DiskStalls(disks.Case):
    def test_no_picture_is_lost_while_the_disk_stands_still(self):
        image = self.make_disk(disks.Image, "128M")
        disk = self.make_disk(disks.ServedImage, image)
        self.record_on(disk)
        self.box.simple("gate", "market")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.box.wait_recorded("market", 3)
        for _ in range(2):
            disk.stand_still()
            let_pass(5)
            disk.go_on()
            let_pass(3)
        self.box.stop()
        self.assert_fsck_clean()
        for camera in ("gate", "market"):
            for stream in ("main", "sub"):
                coverage = self.box.coverage(camera, began, now(), stream)
                self.assert_adds_up(coverage)
                self.assert_no_gap(coverage, ("before-first", "recorder-off"))
                self.assertGreater(coverage["recorded_s"], 18)


if __name__ == "__main__":
    disks.main()

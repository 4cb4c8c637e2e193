"""The disk came up read-only after a power cut: said in words, nothing broken, well again after."""

import harness
from harness import now


class ReadOnlyDisk(harness.Case):
    def test_it_is_told_and_recording_starts_when_the_disk_is_writable(self):
        self.box.mount_storage(self, "40m")
        self.box.simple("gate")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.box.stop()
        self.box.remount_storage("ro")
        self.box.start()
        self.assertEqual(self.box.main.wait(10 * harness.SLOWER), 1)  # systemd tries again
        self.assertTrue(self.box.lines("gate", "Read-only file system"))
        self.assert_fsck_clean()
        self.box.remount_storage("rw")
        self.box.start()
        self.box.wait_recording("gate")
        self.box.stop()
        self.assert_adds_up(self.box.coverage("gate", began, now()))
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

"""The kernel gives a disk up and makes it read-only while the box records: said in words; after
fsck and a restart it records again, and the ledger knows the cause.

With a journal this is what refused writes come to, and there is no way back for a file system that
is mounted: who repairs the disk stops the service first.
"""

import subprocess

import disks
from harness import let_pass, now, wait_until


class DiskFallsReadOnly(disks.Case):
    def record(self, disk):
        self.record_on(disk)
        self.box.simple("gate")
        self.box.start()
        self.box.wait_recorded("gate", 4)

    def repair(self, disk):
        """As a technician does it, or a boot."""
        self.box.stop(10)
        self.box.unmount(disk)
        disk.repair()
        self.record_on(disk)

    def check_end(self, began):
        started = now()
        self.box.start()
        wait_until(lambda: self.box.coverage("gate", started, now())["recorded_s"] > 3, 20,
                   "gate to record again")
        self.box.stop()
        self.assert_fsck_clean()
        self.assert_ledger(began, "before-first", "disk", "recorder-off")

    def check(self, disk, fall):
        began = now()
        self.record(disk)
        fell = now()
        fall()
        print("told: " + self.assert_told("gate", ["disk"]))
        let_pass(max(0, 8 - (now() - fell).total_seconds()))
        self.assertFalse(self.box.status("gate")["recording"])
        self.repair(disk)
        self.check_end(began)

    def test_a_file_system_that_the_kernel_aborts(self):
        self.check(self.make_disk(disks.Image, "128M"), lambda: subprocess.run(
            ["mount", "-o", "remount,abort", self.box.storage], check=True))

    def test_writes_that_are_refused_until_the_journal_gives_up(self):
        disk = self.make_disk(disks.ServedImage, self.make_disk(disks.Image, "128M"))

        def fall():
            disk.refuse("write")
            wait_until(lambda: not self.writable(), 20, "the kernel to give up")
            disk.obey("write")
        self.check(disk, fall)

    def writable(self):
        try:
            with open(self.box.storage + "/somebody-elses", "ab"):
                return True
        except OSError:
            return False


if __name__ == "__main__":
    disks.main()

"""The box was off: told by the boot id and by CLOCK_BOOTTIME, however the clock of day stood.

A time namespace and a bind mount give the program another boot; the kernel is the same.
"""

import ctypes
import os
import subprocess
import time
import uuid

import harness
from harness import instant, now, seconds

CLONE_NEWNS, CLONE_NEWTIME = 0x00020000, 0x00000080
MS_REC, MS_PRIVATE, MS_BIND = 0x4000, 0x40000, 0x1000
BOOT_ID = b"/proc/sys/kernel/random/boot_id"
UP_S = 4  # how long the box has been up when the service starts


class PowerOffShowsAsPowerOff(harness.Case):
    def another_boot(self):
        """Runs between fork and exec: this process's program is in another boot."""
        libc = ctypes.CDLL(None, use_errno=True)
        path = os.path.join(self.box.folder, "boot_id").encode()
        with open(path, "w", encoding="ascii") as f:
            f.write("%s\n" % uuid.uuid4())
        if libc.unshare(CLONE_NEWNS | CLONE_NEWTIME):
            raise OSError(ctypes.get_errno(), "unshare")
        with open("/proc/self/timens_offsets", "w", encoding="ascii") as f:
            f.write("boottime %d 0\n" % (UP_S - int(time.clock_gettime(time.CLOCK_BOOTTIME))))
        if (libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) or
                libc.mount(path, BOOT_ID, None, MS_BIND, None)):
            raise OSError(ctypes.get_errno(), "mount")

    def skip_where_refused(self):
        done = subprocess.run(["cat", "/proc/uptime"], preexec_fn=self.try_another_boot,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or float(done.stdout.split()[0]) > UP_S + 60:
            self.skipTest("no time namespaces here")

    def try_another_boot(self):
        try:
            self.another_boot()
        except OSError:
            os._exit(1)

    def test_a_cut_between_two_boots(self):
        self.skip_where_refused()
        self.box.fast_ring("gate", "20 MiB")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 5)
        self.box.kill_all()
        cut = now()
        self.box.main.wait()
        harness.let_pass(6)
        up = now()
        self.box.start(preexec_fn=self.another_boot)
        harness.wait_until(lambda: self.box.status("gate")["recording"], 15, "gate to record")
        self.box.wait_recorded("gate", 12)
        self.box.stop()
        coverage = self.box.coverage("gate", began, now())
        self.assert_adds_up(coverage)
        causes = [(g["cause"], seconds(g)) for g in coverage["gaps"]]
        power = [g for g in coverage["gaps"] if g["cause"] == "power"]
        self.assertEqual(len(power), 1, causes)
        self.assertAlmostEqual((instant(power[0]["from"]) - cut).total_seconds(), 0, delta=3)
        booted = (up - instant(power[0]["to"])).total_seconds()
        self.assertTrue(UP_S - 2 < booted < UP_S + 1, causes)  # the box came up then
        off = [g for g in coverage["gaps"] if g["from"] == power[0]["to"]]
        self.assertEqual([g["cause"] for g in off], ["recorder-off"], causes)
        self.assert_fsck_clean()
        self.assert_fsck_clean("--rebuild")


if __name__ == "__main__":
    harness.main()

"""Cameras with a login; and a wrong password is told in one sentence without telling it."""

import glob
import os

import harness
from harness import wait_until

RIGHT = "tám-Gà@/7:%"
WRONG = "Sai-mật-khẩu-88"


class LoginBasicAndDigest(harness.Case):
    def setUp(self):
        super().setUp()
        for camera, auth in (("gate", "basic"), ("market", "digest")):
            server = self.box.add_server({"main": "street-360", "sub": "street-180"}, user="viewer",
                                         password=RIGHT, auth=auth)
            entry = self.box.add_camera(server, camera, main="main", sub="sub")
            entry["main"]["username"] = "viewer"
            with open(os.path.join(self.box.folder, camera + ".pw"), "w", encoding="utf-8") as f:
                f.write(RIGHT + "\n")
            entry["main"]["password_file"] = camera + ".pw"
        entry = self.box.add_camera(server, "bridge", main="main")
        entry["main"].update(username="viewer", password=WRONG)

    def told(self):
        """All that the program lets anybody see."""
        yield "log", self.box.log()
        for args in (("status",), ("status", "--json"), ("check",)):
            _, out, err = self.box.cli(*args)
            yield " ".join(args), out + err
        for pid, args in self.box.pids().items():
            yield "process %d" % pid, " ".join(args)
            with open("/proc/%d/environ" % pid, encoding="utf-8", errors="replace") as f:
                yield "environment of %d" % pid, f.read()
        for path in glob.glob(os.path.join(self.box.storage, "**", "*.json"), recursive=True):
            with open(path, encoding="utf-8") as f:
                yield path, f.read()

    def test_the_right_password_works_and_the_wrong_one_is_named_not_shown(self):
        self.box.start()
        self.box.wait_recording("gate", "market")
        wait_until(lambda: "login" in self.box.status("bridge")["reason"], 15,
                   "bridge's login to be refused")
        self.assertEqual(self.box.status("market")["state"], "online")
        self.box.wait_recorded("market", 3, stream="sub")
        reason = self.box.status("bridge")["reason"]
        self.assertIn("viewer", reason)
        self.assertNotIn("\n", reason)
        self.assertTrue(self.box.lines("bridge", "login"))
        for where, text in self.told():
            for secret in (RIGHT, WRONG, "t%C3%A1m", "Sai-m%E1%BA%ADt"):
                self.assertNotIn(secret, text, where)


if __name__ == "__main__":
    harness.main()

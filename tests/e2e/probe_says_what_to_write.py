"""`probe` measures a camera's streams and prints what to write in the file; `check --live` says the
same of a camera that is in the file, and whose certificate it shows."""

import json
import os
import re
import subprocess

import harness

PASSWORD = "tám-Gà@/7:%"


class ProbeSaysWhatToWrite(harness.Case):
    def begin(self, *args, password=""):
        process = subprocess.Popen([harness.ROADWATCH, *args], env=self.box.environment(),
                                   text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        process.stdin.write(password)
        process.stdin.flush()
        return process

    def end(self, process):
        out, err = process.communicate(timeout=60 * harness.SLOWER)
        self.box.refuse_reports(err)
        return process.returncode, out, err

    def make_certificate(self):
        """A camera's own, for ten days; key and certificate are in one file."""
        path = os.path.join(self.box.folder, "camera.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", path, "-out",
                        path + ".crt", "-subj", "/CN=camera", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-days", "10"], check=True,
                       capture_output=True, timeout=60)
        with open(path, "a", encoding="ascii") as key, \
                open(path + ".crt", encoding="ascii") as certificate:
            key.write(certificate.read())
        shown = subprocess.run(["openssl", "x509", "-in", path + ".crt", "-noout", "-fingerprint",
                                "-sha256"], check=True, capture_output=True, text=True, timeout=60)
        return path, shown.stdout.strip().split("=")[1].replace(":", "")

    def write_file(self, proposal):
        """The box's file, with these cameras."""
        rest = {key: value for key, value in self.box.config.items() if key != "cameras"}
        with open(self.box.config_path, "w", encoding="utf-8") as f:
            f.writelines("%s: %s\n" % (key, json.dumps(value)) for key, value in rest.items())
            f.write(proposal)

    def test_what_it_prints_is_a_file_that_check_accepts(self):
        pem, fingerprint = self.make_certificate()
        plain = self.box.add_server({"1": "street-360", "2": "street-180"}, user="viewer",
                                    password=PASSWORD, auth="digest", max_sessions=2)
        tls = self.box.add_server({"1": "hevc-360"}, tls=pem)
        # all at once: each takes ten seconds
        words = self.begin("probe", plain.url("1"), "--sub", plain.url("2"), "--username", "viewer",
                           "--days", "1", password=PASSWORD + "\n")
        data = self.begin("probe", tls.url("1"), "--ca-file", pem, "--json")
        stranger = self.begin("probe", tls.url("1"))
        wrong = self.begin("probe", plain.url("1"), "--username", "viewer", password="wrong\n")
        self.refused(self.end(stranger), "is not trusted", fingerprint)
        self.refused(self.end(wrong), "refused the login (user \"viewer\")")
        self.words(self.end(words))
        self.data(self.end(data), fingerprint)
        self.check_live(tls, pem, fingerprint)

    def refused(self, ended, *words):
        status, out, err = ended
        self.assertEqual((status, out), (1, ""))
        for word in words:
            self.assertIn(word, err)

    def words(self, ended):
        status, out, err = ended
        self.assertEqual((status, err), (0, ""))
        self.assertNotIn(PASSWORD, out)
        measured = r"# %s: h264 %s, 15\.\d pictures/s, GOP 2\.0 s, 0\.\d+ Mbit/s, no packet lost, " \
                   r"clock 0\.\d\d s (ahead|behind)\n"
        self.assertRegex(out, measured % ("main", "640x360"))
        self.assertRegex(out, measured % ("sub", "320x180"))
        self.assertIn("# advice: sub: 8 pictures a second would halve the cost of watching", out)
        self.write_file(out)
        found = re.search(r"password_file: (\S+)", out)
        with open(os.path.join(self.box.folder, found.group(1)), "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")
        status, out, err = self.box.cli("check")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("cam-127-0-0-1 sub: ", out)

    def data(self, ended, fingerprint):
        status, out, err = ended
        self.assertEqual((status, err), (0, ""))
        told = json.loads(out)
        main = told["main"]
        self.assertEqual((main["codec"], main["width"], main["height"], main["lost"]),
                         ("hevc", 640, 360, 0))
        self.assertAlmostEqual(main["fps"], 15, delta=0.5)
        self.assertAlmostEqual(main["gop_s"], 2, delta=0.2)
        self.assertGreater(main["bitrate"], 10000)
        self.assertGreater(main["packets"], 100)
        self.assertLess(abs(main["clock_ahead_s"]), 1)
        self.assertEqual(main["certificate"]["sha256"], fingerprint)
        self.assertIsNone(told["sub"])
        self.assertTrue(any("sub-stream" in line for line in told["advice"]), told)
        self.assertIn("ca_file: ", told["yaml"])

    def check_live(self, server, pem, fingerprint):
        self.box.add_camera(server, "gate", main="1")["main"]["ca_file"] = pem
        self.box.write_config()
        status, out, err = self.box.cli("check", "--live")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"gate main: hevc 640x360, 1\d\.\d pictures/s, GOP .*no packet lost, clock")
        self.assertIn("gate main: certificate SHA-256 %s, until 20" % fingerprint, out)
        self.assertRegex(out, r"gate main: its certificate ends in \d days; renew it")


if __name__ == "__main__":
    harness.main()

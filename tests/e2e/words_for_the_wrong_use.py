"""The command line answers wrong use with one sentence on stderr and exit status 2."""

import subprocess

import harness


def run(*args):
    done = subprocess.run([harness.ROADWATCH, *args], capture_output=True, text=True, timeout=20,
                          check=False)
    return done.returncode, done.stdout, done.stderr


class WordsForTheWrongUse(harness.Case):
    def test_help_is_everywhere(self):
        commands = ("run", "camera", "alerts", "check", "detect", "status", "events",
                    "coverage", "fsck", "probe")
        for args in [("--help",)] + [(c, "--help") for c in commands]:
            status, out, err = run(*args)
            self.assertEqual((status, err), (0, ""), args)
            self.assertIn("roadwatch", out)

    def test_unknown_commands_and_options_are_refused(self):
        for args in ((), ("sing",), ("status", "--loudly"), ("coverage",), ("camera",),
                     ("probe",), ("probe", "http://10.0.0.11/"), ("probe", "rtsp://a:b@h/1"),
                     ("probe", "rtsp://h/1", "--transport", "pigeon"),
                     ("probe", "rtsp://h/1", "--days", "never"),
                     ("probe", "rtsp://h/1", "--username", b"\xff"),
                     ("probe", "rtsps://h/1", "--ca-file", "/nonexistent")):
            status, _, err = run(*args)
            self.assertEqual(status, 2, (args, err))
            self.assertTrue(err.strip())

    def test_a_missing_file_is_named(self):
        for command in ("run", "check", "status"):
            status, _, err = run(command, "-c", "/nonexistent/roadwatch.yaml")
            self.assertEqual(status, 1, err)
            self.assertIn("/nonexistent/roadwatch.yaml", err)

    def test_check_names_the_line_and_the_key(self):
        self.box.simple("gate")
        self.box.config["cameras"][0]["colour"] = "blue"
        self.box.write_config()
        status, _, err = self.box.cli("check")
        self.assertEqual(status, 1)
        self.assertRegex(err, r"roadwatch\.yaml:\d+: ")
        self.assertIn("colour", err)

    def test_a_camera_that_is_not_in_the_file_is_named(self):
        self.box.simple("gate")
        self.box.write_config()
        status, _, err = self.box.cli("coverage", "--camera", "mars", "--from", "-1m", "--to",
                                      "now")
        self.assertNotEqual(status, 0)
        self.assertIn("mars", err)


if __name__ == "__main__":
    harness.main()

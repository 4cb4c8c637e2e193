"""A second program on the same storage is refused in words, and harms nothing."""

import subprocess

import harness
from harness import now, wait_until


class TwoProgramsOnOneStorage(harness.Case):
    def test_the_second_is_refused_and_the_first_runs_on(self):
        self.box.simple("gate")
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        first = self.box.pid("camera", "gate")
        second = subprocess.Popen([harness.ROADWATCH, "camera", "gate", "-c",
                                   self.box.config_path], stderr=subprocess.PIPE, text=True,
                                  env=self.box.environment())
        try:
            _, said = second.communicate(timeout=20 * harness.SLOWER)
        except subprocess.TimeoutExpired:
            second.kill()
            _, said = second.communicate()
            self.fail("the second camera process went on: " + said)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("gate", said)
        self.box.refuse_reports(said)

        log = open(self.box.folder + "/second.log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        service = subprocess.Popen([harness.ROADWATCH, "run", "-c", self.box.config_path],
                                   stderr=log, env=self.box.environment())
        self.addCleanup(harness.end_process, service, 10)

        def complained():
            with open(log.name, encoding="utf-8") as f:
                return "gate" in f.read() or service.poll() not in (None, 0)
        wait_until(complained, 15, "the second service to be refused")
        harness.end_process(service, 10)
        self.assertEqual(self.box.pid("camera", "gate"), first)
        self.box.wait_recorded("gate", 6)
        coverage = self.box.coverage("gate", began, now())
        self.assertEqual(len(coverage["spans"]), 1, coverage)
        self.box.stop()
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

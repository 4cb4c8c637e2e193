"""The link to the broker with TLS, logins and client certificates: what is wrong is said in one
sentence that tells what to do, and the box records meanwhile."""

import os
import signal
import subprocess

import harness
from harness import now, wait_until
from harness_brokers import Phone, SetUpBroker, free_port

SITE = "thon-dung"


class BrokerOverTls(harness.Case):
    def setUp(self):
        super().setUp()
        self.box.simple("gate", small=None)
        self.box.write_config()
        self.broker = SetUpBroker(self.box.folder + "/mosquitto", "-c", self.box.config_path)
        self.addCleanup(self.broker.stop)
        self.good = self.broker.mqtt()
        self.phone = Phone(self.broker, self.broker.login("phone", "ha"), SITE)
        self.addCleanup(self.phone.close)

    def set_link(self, **changes):
        link = dict(self.good, **changes)
        self.box.config["mqtt"] = {k: v for k, v in link.items() if v is not None}
        if not self.box.main:
            self.box.start()
            return
        self.box.write_config()
        self.box.main.send_signal(signal.SIGHUP)

    def link(self):
        return self.box.status()["alerts"]

    def says(self, *words):
        def said():
            link = self.link()
            return not link["connected"] and all(w in link["reason"] for w in words)
        wait_until(said, 10, "the reason with %s, not %s" % (words, self.link()))
        self.assertTrue(self.box.lines("alerts:", *words), "and in the log")

    def wait_connected(self):
        wait_until(lambda: self.link()["connected"], 10, "the link")

    def test_a_wrong_link_is_told_and_the_box_records_on(self):
        other = SetUpBroker(self.box.folder + "/other", "--commune", host="other.example")
        self.addCleanup(other.stop)
        self.set_link()
        wait_until(lambda: self.phone.events("gate"), 40, "an alert over TLS")
        camera = self.box.pid("camera", "gate")
        dark = now()
        self.set_link(ca_file=other.ca)
        self.says("was not signed by the authority in mqtt.ca_file; put")
        self.set_link(port=other.port, ca_file=other.ca, host="127.0.0.2")
        self.says("the certificate of 127.0.0.2", "is for another name; set mqtt.host")
        with open(self.box.folder + "/wrong.pw", "w", encoding="utf-8") as f:
            f.write("nonsense-of-mine\n")
        self.set_link(password_file="wrong.pw")
        self.says("refused the login; check mqtt.username and mqtt.password")
        self.set_link(ca_file=None)
        self.says("if it speaks TLS there, set mqtt.ca_file")
        kept = wait_until(lambda: {e["id"] for e in self.box.events("--camera", "gate")
                                   if e["phase"] == "end" and harness.instant(e["start"]) > dark},
                          40, "an event in the dark")
        self.assertEqual(self.box.pid("camera", "gate"), camera)
        self.assert_no_gap(self.box.coverage("gate", dark, now()))
        self.set_link()
        wait_until(lambda: kept <= {e["id"] for e in self.phone.events("gate")}, 20,
                   "the events of the dark")
        self.assertNotIn("nonsense-of-mine", self.box.log())

    def test_a_certificate_of_the_box_opens_a_broker_that_wants_one(self):
        folder = self.broker.folder + "/roadwatch/"
        port = free_port()
        with open(self.broker.folder + "/conf.d/strict.conf", "w", encoding="utf-8") as f:
            f.write("listener %d\nrequire_certificate true\ncafile %sca.crt\ncertfile %sserver.crt\n"
                    "keyfile %sserver.key\n" % (port, folder, folder, folder))
        self.broker.restart()
        self.set_link(port=port)
        self.says("if it wants a certificate of this box, set mqtt.cert_file and mqtt.key_file")
        self.sign_certificate(folder)
        self.set_link(port=port, cert_file="box.crt", key_file="box.key")
        self.wait_connected()

    def sign_certificate(self, folder):
        def openssl(*words):
            subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30,
                           cwd=self.box.folder)
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                "box.key", "-subj", "/CN=thon-dung", "-out", "box.csr")
        openssl("x509", "-req", "-in", "box.csr", "-CA", folder + "ca.crt", "-CAkey",
                folder + "ca.key", "-CAcreateserial", "-CAserial",
                os.path.join(self.box.folder, "serial"), "-days", "2", "-out", "box.crt")


if __name__ == "__main__":
    harness.main()

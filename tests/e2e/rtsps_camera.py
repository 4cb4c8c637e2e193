"""A camera that speaks RTSPS: trusted by what `ca_file` says and no further, and another certificate
is an event."""

import hashlib
import os
import ssl
import subprocess

import harness
from harness import now, wait_until


class Authority:
    """Makes certificates with the openssl command, in a folder."""

    def __init__(self, folder, name):
        self.folder = folder
        self.file = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        self.openssl("req", "-x509", *self.new_key(self.key), "-subj", "/CN=" + name, "-days", "2",
                     "-out", self.file)

    @staticmethod
    def new_key(path):
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", path)

    @staticmethod
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, timeout=60)

    def certificate(self, name, host="IP:127.0.0.1", days=1):
        """-> (file with key and certificate, SHA-256 of the certificate)"""
        path = os.path.join(self.folder, name)
        with open(path + ".ext", "w", encoding="utf-8") as f:
            f.write("subjectAltName=%s\n" % host)
        self.openssl("req", "-new", *self.new_key(path + ".key"), "-subj", "/CN=" + name, "-out",
                     path + ".csr")
        self.openssl("x509", "-req", "-in", path + ".csr", "-CA", self.file, "-CAkey", self.key,
                     "-CAcreateserial", "-days", str(days), "-extfile", path + ".ext", "-out",
                     path + ".crt")
        with open(path + ".crt", encoding="ascii") as f:
            certificate = f.read()
        with open(path + ".key", encoding="ascii") as f:
            key = f.read()
        with open(path + ".both", "w", encoding="ascii") as f:
            f.write(key + certificate)
        der = ssl.PEM_cert_to_DER_cert(certificate)
        return path + ".both", hashlib.sha256(der).hexdigest().upper()


class RtspsCamera(harness.Case):
    def setUp(self):
        super().setUp()
        self.ours = Authority(self.box.folder, "ours")
        self.theirs = Authority(self.box.folder, "theirs")

    def camera(self, server, camera, **tls):
        """tls: keys of its main stream; sub inherits them."""
        entry = self.box.add_camera(server, camera, main="main", sub="sub")
        entry["main"].update(tls)
        return entry

    def server(self, certificate):
        return self.box.add_server({"main": "street-360", "sub": "street-180"}, tls=certificate)

    def wait_reason(self, camera, *words):
        def says():
            reason = self.box.status(camera)["reason"]
            return reason if all(word in reason for word in words) else None
        return wait_until(says, 15, "%s to say %s" % (camera, words))

    def changes(self, camera):
        return [e for e in self.box.events("--camera", camera) if e["kind"] == "camera_changed"]

    def test_only_who_is_trusted_is_recorded(self):
        here, print_here = self.ours.certificate("here")
        elsewhere, _ = self.ours.certificate("elsewhere", host="DNS:gate.example,IP:10.0.0.11")
        near, far = self.server(here), self.server(elsewhere)
        self.camera(near, "issuer", ca_file=self.ours.file)
        self.camera(near, "itself", ca_file=here)  # pinned: the certificate itself
        self.camera(near, "stranger", ca_file=self.theirs.file)
        self.camera(far, "elsewhere", ca_file=self.ours.file)
        self.camera(far, "unchecked", ca_file=self.ours.file, check_host=False)
        plain = self.box.add_server({"main": "street-360", "sub": "street-180"})
        entry = self.camera(plain, "plain", ca_file=self.ours.file)
        for stream in ("main", "sub"):
            entry[stream]["url"] = plain.url(stream).replace("rtsp:", "rtsps:")
        self.box.more_environment["SSL_CERT_FILE"] = self.ours.file
        self.camera(near, "system")
        began = now()
        self.box.start()
        self.wait_reason("stranger", "the certificate of 127.0.0.1 is not trusted", "ca_file",
                         print_here[:16])
        self.wait_reason("elsewhere", "is for gate.example, 10.0.0.11", "check_host: false")
        self.wait_reason("plain", "127.0.0.1", "write rtsp://")
        self.box.wait_recording("issuer", "itself", "unchecked", "system")
        for stream in ("main", "sub"):
            self.box.wait_recorded("issuer", 5, stream=stream)
        self.assert_no_gap(self.box.coverage("issuer", began, now()))
        for camera in ("stranger", "elsewhere", "plain"):
            self.assertEqual(self.box.status(camera)["state"], "offline")
            self.assertEqual(self.box.coverage(camera, began, now())["recorded_s"], 0)
        self.assertEqual(self.changes("issuer"), [])

    def expect_told(self, camera, print_now, print_before):
        told = wait_until(lambda: self.changes(camera), 15, "the event of " + camera)
        self.assertIn("stream: another certificate (SHA-256 %s, was %s)"
                      % (print_now[:8], print_before[:8]), told[0]["reason"])
        return told[0]["id"]

    def test_another_certificate_is_an_event_trusted_or_not(self):
        first, print_first = self.ours.certificate("first")
        second, print_second = self.ours.certificate("second")
        wrong, print_wrong = self.theirs.certificate("wrong")
        gate, market = self.server(first), self.server(first)
        self.camera(gate, "gate", ca_file=self.ours.file)
        self.camera(market, "market", ca_file=self.ours.file)
        self.box.add_broker()
        self.box.start()
        self.box.wait_recorded("gate", 3)
        self.box.wait_recording("market")
        began = now()
        gate.order("certificate", second)
        market.order("certificate", wrong)
        told = self.expect_told("gate", print_second, print_first)
        self.expect_told("market", print_wrong, print_first)
        self.wait_reason("market", "is not trusted", print_wrong[:16])
        self.assertNotEqual(self.box.status("market")["state"], "online")
        wait_until(lambda: self.box.coverage("gate", began, now())["recorded_s"] > 3, 20,
                   "the recording to go on")
        self.box.stop()
        self.assertEqual([e["id"] for e in self.changes("gate")], [told])
        on_phone = {e["id"] for e in self.box.phone.events("gate") if e["kind"] == "camera_changed"}
        self.assertEqual(on_phone, {told})
        # it stands in the recording itself
        os.remove(os.path.join(self.box.storage, "gate", "index.db"))
        self.assertEqual(self.box.fsck("--rebuild")[0], 0)
        self.assertEqual([e["id"] for e in self.changes("gate")], [told])
        self.assert_fsck_clean()


if __name__ == "__main__":
    harness.main()

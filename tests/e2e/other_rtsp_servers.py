"""Cameras whose RTSP is not GStreamer's: Perl's RTSP::Server with streams that FFmpeg hands it, and
VLC. Both send over UDP alone: who asks for TCP is told so."""

import os
import random
import shutil
import socket
import subprocess
import tempfile

import harness
from harness import film, free_port, now, wait_until


def wait_listening(port, what):
    def answers():
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        except OSError:
            return False
    wait_until(answers, 20, what + " to listen")


def free_datagram_ports(count):
    """The first, even, of so many that nobody has; below those that the kernel hands out."""
    while True:
        first = random.randrange(20000, 30000, 2)
        sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
        try:
            for i, sock in enumerate(sockets):
                sock.bind(("127.0.0.1", first + i))
            return first
        except OSError:
            continue
        finally:
            for sock in sockets:
                sock.close()


class Server:
    """What all have: processes, and one port."""

    def __init__(self):
        self.port = free_port()
        self.processes = []

    def run(self, *command):
        self.processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                               stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL))

    def url(self, name):
        return "rtsp://127.0.0.1:%d/%s" % (self.port, name)

    def close(self):
        for process in reversed(self.processes):
            harness.end_process(process)


class PerlServer(Server):
    """Streams are pushed into its second port and fetched from its first."""

    PACKAGE = "librtsp-server-perl"
    COMMAND = ("perl", "-MAnyEvent", "-MRTSP::Server", "-e",
               "$s = RTSP::Server->new_with_options; $s->listen; AnyEvent->condvar->recv", "--")

    @staticmethod
    def installed():
        return subprocess.run(["perl", "-MRTSP::Server", "-e", "1"], capture_output=True,
                              check=False).returncode == 0

    def __init__(self, films):
        super().__init__()
        inlet = free_port()
        self.run(*self.COMMAND, "--clientport", str(self.port), "--serverport", str(inlet),
                 "--client_listen_address", "127.0.0.1", "--source_listen_address", "127.0.0.1",
                 "--rtp_start_port", str(free_datagram_ports(40)), "--loglevel", "0")
        wait_listening(inlet, self.PACKAGE)
        for name, shows in films.items():
            self.run("ffmpeg", "-nostdin", "-v", "error", "-re", "-stream_loop", "-1", "-i",
                     film(shows), "-c", "copy", "-f", "rtsp",
                     "rtsp://127.0.0.1:%d/%s" % (inlet, name))


class VlcServer(Server):
    """One program for each film; it will not be root, who alone can read the cache of films."""

    PACKAGE = "vlc-bin"

    @staticmethod
    def installed():
        return shutil.which("cvlc") is not None

    def __init__(self, films):
        super().__init__()
        self.folder = tempfile.mkdtemp(prefix="roadwatch-vlc.")
        os.chmod(self.folder, 0o755)
        self.ports = {name: free_port() for name in films}
        for name, shows in films.items():
            copy = os.path.join(self.folder, shows + ".mp4")
            shutil.copyfile(film(shows), copy)
            nobody = ["setpriv", "--reuid=65534", "--clear-groups"] if os.getuid() == 0 else []
            self.run(*nobody, "env", "HOME=" + self.folder, "cvlc", "-q", "-I", "dummy",
                     "--loop", copy, "--sout-keep", "--sout", "#rtp{sdp=%s}" % self.url(name))
        for port in self.ports.values():
            wait_listening(port, self.PACKAGE)

    def url(self, name):
        return "rtsp://127.0.0.1:%d/%s" % (self.ports[name], name)

    def close(self):
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


class OtherRtspServers(harness.Case):
    def play(self, kind):
        if not kind.installed():
            self.skipTest(kind.PACKAGE + " is not installed")
        server = kind({"main": "street-360", "sub": "street-180"})
        self.addCleanup(server.close)
        return server

    def records_and_watches(self, server):
        entry = self.box.add_camera(server, "gate", main="main", sub="sub")
        for stream in ("main", "sub"):
            entry[stream]["transport"] = "udp"
        began = now()
        self.box.start()
        self.box.wait_recorded("gate", 8)
        self.box.wait_recorded("gate", 8, stream="sub")
        wait_until(lambda: self.box.events("--camera", "gate"), 20, "motion to be seen")
        self.assertGreater(self.box.status("gate")["watch_fps"], 10)
        self.box.stop()
        for stream in ("main", "sub"):
            coverage = self.box.coverage("gate", began, now(), stream)
            self.assert_adds_up(coverage)
            self.assert_no_gap(coverage, allowed=("before-first", "recorder-off"))
            self.assert_decodes(self.box.newest_slot("gate", stream))
        self.assert_fsck_clean()

    def says_that_udp_is_wanted(self, server):
        self.box.add_camera(server, "gate", main="main")
        self.box.start()
        wait_until(lambda: "transport" in self.box.status("gate")["reason"], 15,
                   "the sentence that this camera sends over UDP alone")
        self.assertIn("udp", self.box.status("gate")["reason"])

    def test_what_ffmpeg_hands_to_perl_is_recorded_and_watched(self):
        self.records_and_watches(self.play(PerlServer))

    def test_what_vlc_sends_is_recorded_and_watched(self):
        self.records_and_watches(self.play(VlcServer))

    def test_who_asks_perl_for_tcp_is_told_about_udp(self):
        self.says_that_udp_is_wanted(self.play(PerlServer))

    def test_who_asks_vlc_for_tcp_is_told_about_udp(self):
        self.says_that_udp_is_wanted(self.play(VlcServer))


if __name__ == "__main__":
    harness.main()

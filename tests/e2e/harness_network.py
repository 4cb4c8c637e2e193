"""A network between the box and its cameras, or its broker, for tests of what gets lost or late there."""

import os
import shutil
import subprocess


class FarNetwork:
    """A network namespace for what is far, behind a pair of virtual Ethernet devices. Skips the test
    where the kernel refuses one."""

    def __init__(self, test):
        self.name = "rw%d" % os.getpid()  # of the namespace, our device and the table of rules
        net = "198.18.%d." % (os.getpid() >> 6 & 255)  # for tests of networks: RFC 2544
        host = (os.getpid() & 63) * 4
        self.address = net + str(host + 2)
        self.within = ["ip", "netns", "exec", self.name]
        for tool in ("ip", "nft"):
            if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin"):
                test.skipTest(tool + " is not installed")
        test.addCleanup(self.close)
        for command in ("ip netns add {0}",
                        "ip link add {0} type veth peer name far netns {0}",
                        "ip address add %s%d/30 dev {0}" % (net, host + 1),
                        "ip link set {0} up",
                        "ip -n {0} address add %s/30 dev far" % self.address,
                        "ip -n {0} link set far up",
                        "ip -n {0} link set lo up",
                        "nft add table netdev {0}",
                        'nft add chain netdev {0} from {{ type filter hook ingress device "{0}" '
                        'priority 0 ; }}'):
            done = self.run(command)
            if done.returncode:
                test.skipTest("no network namespace here: " + done.stderr.strip())

    def run(self, command):
        return subprocess.run(command.format(self.name).split(), capture_output=True, text=True,
                              timeout=20, check=False)

    def must(self, command):
        done = self.run(command)
        if done.returncode:
            raise AssertionError("%s: %s" % (command, done.stderr))

    def lose(self, percent):
        """Of all datagrams from there, from now on."""
        self.must("nft add rule netdev {0} from ip protocol udp numgen random mod 100 < %d drop"
                  % percent)

    def narrow(self, kbit):
        """The line takes so much each way, and queues for half a second."""
        shape = " root tbf rate %dkbit burst 1600 latency 500ms" % kbit
        self.must("tc qdisc add dev {0}" + shape)
        self.must("ip netns exec {0} tc qdisc add dev far" + shape)

    def heal(self):
        self.must("nft flush chain netdev {0} from")

    def close(self):
        for command in ("nft delete table netdev {0}", "ip link delete {0}",
                        "ip netns delete {0}"):
            self.run(command)  # what was not made is not there

"""Cameras that send their viewer elsewhere, wherever RTSP has room for an address: nobody goes
there, whether or not pictures still come."""

import harness
import harness_hostile
import hostile_modes as modes


class HostileElsewhere(harness_hostile.HostileCase):
    def test_nobody_goes_where_a_camera_sends_him(self):
        self.endure(
            useless=(modes.RedirectToItself, modes.RedirectToAFile, modes.RedirectToThePasswords,
                     modes.RedirectToHttp, modes.RedirectToAnotherPort,
                     modes.RedirectToAnotherHost, modes.RedirectToALogin),
            doubtful=(modes.ControlElsewhere, modes.ControlOnAnotherPort, modes.ControlInAFile,
                      modes.BaseElsewhere, modes.RedirectInMidStream, modes.SourceElsewhere,
                      modes.ConnectionElsewhere),
            harmless=(modes.Strangers,))


if __name__ == "__main__":
    harness.main()

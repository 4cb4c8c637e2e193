"""Cameras whose answers never end, come too slowly or not at all, and those that no login pleases:
bounded in bytes and in time, told in one sentence, and forgotten when they are good again."""

import harness
import harness_hostile
import hostile_modes as modes


class HostileAnswers(harness_hostile.HostileCase):
    def test_answers_without_an_end_and_logins_that_never_please(self):
        self.endure(
            useless=(modes.EndlessHeaders, modes.EndlessLine, modes.EndlessStatus,
                     modes.EndlessReplies, modes.EndlessContinue, modes.BodyOfTwoGigabytes,
                     modes.BodyOfEightExabytes, modes.BodyBelowZero, modes.BodiesOfManySizes,
                     modes.LoginForEver, modes.StaleForEver, modes.ThousandChallenges,
                     modes.LoginOfAMegabyte, modes.SlowHead, modes.SlowBody, modes.NeverAnswers,
                     modes.NoPictures))


if __name__ == "__main__":
    harness.main()

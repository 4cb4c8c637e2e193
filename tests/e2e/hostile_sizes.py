"""A camera whose every picture has another size. Each takes a new slot, so the ring gives it few a
minute, lest a swapped camera wash the old footage away; and a minute later it is recorded again."""

import harness
import harness_hostile
import hostile_modes as modes


class HostileSizes(harness_hostile.HostileCase):
    LASTS_S = 8  # the few slots are gone after a second

    def test_a_camera_of_ever_other_sizes_does_not_wash_the_ring_away(self):
        self.endure(doubtful=(modes.EverySetAnother,), mid_stream=True)


if __name__ == "__main__":
    harness.main()

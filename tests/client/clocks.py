"""A fake_clock that stands still until somebody sleeps, for tests that neither wait nor guess."""

from dataclasses import dataclass, field

from timesheets_client.network.retries import Clock


@dataclass
class FakeClock:
    """Seconds since 1970 for all clocks at once; `chance` is what every throw of the dice brings."""

    now: float = 1_800_000_000.0
    chance: float = 1.0
    slept: list[float] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def clock(self) -> Clock:
        return Clock(
            monotonic=lambda: self.now,
            sleep=self.sleep,
            random=lambda: self.chance,
            wall_clock=lambda: self.now,
            announce=self.announced.append,
        )

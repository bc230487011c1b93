"""A clock that only `sleep` moves, so that tests neither wait nor depend on chance."""

from dataclasses import dataclass, field

from timesheets_client.network.retries import Clock


@dataclass
class FakeClock:
    """All clocks show `now`, in seconds since 1970. `chance` is the value of every random number."""

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

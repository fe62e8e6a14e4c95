"""All jobs one after the other; then once more over the same beginning, each killed on its way and run again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from bench.embedder.bars import Bar
from bench.fleet import Fleet
from bench.jobs import standing
from bench.jobs.plan import Job
from bench.jobs.standing import Answers
from bench.jobs.task import Household, Ran, run
from bench.profile.town import Say
from visrec.connection import Connection

MOST_S, MOST_MB = 600.0, 4000.0
"""All jobs together, and any of them; and what the services may hold more while one runs."""
LEAST_KEPT = 0.9
"""Share of what is answered that stays while a killed job is left as it is: what is popular moves with time."""
DONE = (0, 3)
"""Exit codes of a job that has done its work; 3: what it found is not to be put."""
CALL_S = 120.0


@dataclass(frozen=True)
class Killed:
    """A job that was killed at some moments, `after_s` seconds from each start, and the last time was not; it took
    `again` then. `kept`: the least share of answers that stayed, each time that it was dead; None: nobody is answered
    any more. `same`: it has made what it made when nobody killed it, and people are answered as then. `codes`: how it
    ended before; it may have been quicker than the killing."""

    after_s: Sequence[float]
    again: Ran
    kept: float | None
    same: bool
    codes: Sequence[int]

    @property
    def failed(self) -> bool:
        """It ended by itself, and not well."""
        return any(code not in (*DONE, -SIGKILL) for code in (*self.codes, self.again.exit_code))


@dataclass(frozen=True)
class Whole:
    """What each job took, by name, what it has made, and what people were answered then."""

    ran: Mapping[str, Ran]
    made: Mapping[str, object]
    answers: Mapping[str, Answers]

    @property
    def seconds(self) -> float:
        """All of them, one after the other."""
        return sum(each.wall_s for each in self.ran.values())

    def bars(self) -> list[Bar]:
        """Time together; memory of each; and that all ended well."""
        failed = sum(each.exit_code not in DONE for each in self.ran.values())
        return [
            Bar("all jobs", self.seconds, MOST_S, unit="s"),
            Bar("memory of a job, at most", max(each.peak_mb for each in self.ran.values()), MOST_MB, unit="MB"),
            Bar("services grow by, at most", max(each.grown_mb for each in self.ran.values()), MOST_MB, unit="MB"),
            Bar("jobs that failed", failed, 0, unit=""),
        ]


@dataclass(frozen=True)
class Stage:
    """Services with so many `people`; `folder` is for what jobs print."""

    fleet: Fleet
    folder: Path
    people: int
    say: Say

    def whole(self, jobs: Sequence[Job]) -> Whole:
        """Each to its end. Raises BenchFailed, VisrecCallError."""
        household, ran, made, answers = Household.of(self.fleet), dict[str, Ran](), dict[str, object](), {}
        with Connection(self.fleet.targets, CALL_S) as connection:
            for job in jobs:
                self.say(job.name)
                job.before(connection)
                ran[job.name] = run(job.arguments, self.fleet, household, self.folder)
                made[job.name] = job.result(connection, ran[job.name].printed)
                if job.answers:
                    answers[job.name] = standing.answers(connection, self.people)
        return Whole(ran, made, answers)

    def killed(self, jobs: Sequence[Job], before: Whole, shares: Sequence[float]) -> dict[str, Killed]:
        """Each killed after these shares of the time that it took `before`, then run to its end. Raises BenchFailed,
        VisrecCallError."""
        household = Household.of(self.fleet)
        with Connection(self.fleet.targets, CALL_S) as connection:
            return {job.name: self._killed(job, before, shares, household, connection) for job in jobs}

    def _killed(
        self, job: Job, before: Whole, shares: Sequence[float], household: Household, connection: Connection
    ) -> Killed:
        job.before(connection)
        answered = standing.answers(connection, self.people) if job.answers else None
        moments = [share * before.ran[job.name].wall_s for share in shares]
        kept, codes = list[float](), list[int]()
        for after_s in moments:
            self.say(f"{job.name}, killed after {after_s:.0f} s")
            codes.append(run(job.arguments, self.fleet, household, self.folder, after_s).exit_code)
            if answered is not None:
                kept.append(standing.kept(answered, standing.answers(connection, self.people)))
        self.say(f"{job.name}, again")
        again = run(job.arguments, self.fleet, household, self.folder)
        is_same = job.result(connection, again.printed) == before.made[job.name]
        if job.answers:
            now = standing.answers(connection, self.people)
            is_same &= standing.kept(before.answers[job.name], now) >= LEAST_KEPT
        return Killed(moments, again, min(kept, default=None), is_same, codes)


def bars(found: Mapping[str, Killed]) -> list[Bar]:
    """That each ended well and made the same, and that people were answered as before."""
    kept = [each.kept for each in found.values() if each.kept is not None]
    alive = sum(-SIGKILL not in each.codes for each in found.values())
    made = [
        Bar("jobs that nobody killed", alive, 0, unit=""),
        Bar("killed jobs that failed", sum(each.failed for each in found.values()), 0, unit=""),
        Bar("killed jobs with another result", sum(not each.same for each in found.values()), 0, unit=""),
    ]
    stayed = [Bar("answers that stayed meanwhile", min(kept), LEAST_KEPT, at_least=True, unit="")] if kept else []
    return made + stayed

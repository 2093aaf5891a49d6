"""What a converter says at its end: what became of every image of a split, counted, and named where something is wrong."""
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from mmqanet.utils.wording import count_of


@dataclass(frozen=True)
class Outcome:
    """What became of one image: written or kept (``people`` is set), unusable by a rule, or failed.

    Args:
        name: file name without extension.
        height, width: of the image, in pixels.
        people: its annotations in the JSON; ``None`` where the image is not in it.
        kept: it was there from an earlier run.
        rule: why it must not be used, where it must not.
        error: why it could not be read, where it could not.
        unlabelled: ids of the people without a labelled pixel, who are not among ``people``.
        notes: oddities of the source that were dealt with: pairs (kind, which file).
    """

    name: str
    height: int = 0
    width: int = 0
    people: list[dict] | None = None
    kept: bool = False
    rule: str = ''
    error: str = ''
    unlabelled: tuple[int, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


@dataclass
class SplitReport:
    """The outcomes of one split, in the order of its names.

    Args:
        title: name of the split.
        outcomes: of its images.
        official: number of images it is published with, where that is known.
        fault: why the split could not be read at all, where it could not.
        optional: the split may be absent.
        unlabelled_is_fault: a person without a labelled pixel makes the split incomplete; it is a known quirk of some sets.
        remarks: lines on what else was met.
        verified: the images were looked at in a converted folder; how many the archive had is not known then.
    """

    title: str
    outcomes: list[Outcome] = field(default_factory=list)
    official: int | None = None
    fault: str = ''
    optional: bool = False
    unlabelled_is_fault: bool = True
    verified: bool = False
    remarks: Sequence[str] = ()

    @property
    def done(self) -> list[Outcome]:
        """Images that lie in the split's folder now."""
        return [outcome for outcome in self.outcomes if outcome.people is not None]

    @property
    def failed(self) -> list[Outcome]:
        """Images that could not be read."""
        return [outcome for outcome in self.outcomes if outcome.error]

    @property
    def incomplete(self) -> bool:
        """Whether something is missing or broken that should not be."""
        if self.fault:
            return not self.optional
        unlabelled = self.unlabelled_is_fault and any(outcome.unlabelled for outcome in self.outcomes)
        return bool(self.failed or unlabelled or (not self.verified and self._missing() > 0))

    def lines(self, limit: int | None = None) -> list[str]:
        """The report: counts, then what is unusable, odd or failed, with at most ``limit`` names of each kind."""
        if self.fault:
            return [f'{self.title}: left out, {self.fault}' if self.optional else f'{self.title}: failed, {self.fault}']
        rules, notes = defaultdict(list), defaultdict(list)
        for outcome in self.outcomes:
            if outcome.rule:
                rules[outcome.rule].append(outcome.name)
            for kind, what in outcome.notes:
                notes[kind].append(what)
            for person in outcome.unlabelled:
                notes['people without a labelled pixel, not in the JSON'].append(f'{outcome.name}: person {person}')
        people = count_of(sum(len(outcome.people or ()) for outcome in self.done), 'person', 'people')
        lines = [f'{self.title}: {len(self.done)} of {len(self.outcomes)} images ({people})' + (
            f' are whole; {len(self.failed)} failed' if self.verified else
            f', {sum(outcome.kept for outcome in self.done)} of them kept from an earlier run; '
            f'{sum(map(len, rules.values()))} unusable, {len(self.failed)} failed')]
        if self.official is not None:
            lines.append(f'  published with {count_of(self.official, "image")}: {self._comparison()}')
        lines += [f'  unusable, {rule}: {_some(names, limit)}' for rule, names in sorted(rules.items())]
        lines += [f'  {kind}: {_some(names, limit)}' for kind, names in sorted(notes.items())]
        lines += [f'  {remark}' for remark in self.remarks[:limit]]
        return lines + list(self._failures(limit))

    def _missing(self) -> int:
        """Images fewer than published; what a rule leaves out is not missing."""
        if self.official is None:
            return 0
        return self.official - len(self.done) - sum(bool(outcome.rule) for outcome in self.outcomes)

    def _comparison(self) -> str:
        missing = self._missing()
        if not missing:
            return 'all are here'
        verb = 'is' if abs(missing) == 1 else 'are'
        if missing < 0:
            return f'{-missing} more {verb} here'
        return f'{missing} {verb} {"not here" if self.verified else "missing"}'

    def _failures(self, limit: int | None) -> Iterator[str]:
        for outcome in self.failed[:limit]:
            yield f'  failed, {outcome.name}: {outcome.error}'
        if len(self.failed) > len(self.failed[:limit]):
            yield f'  failed, and {len(self.failed) - len(self.failed[:limit])} more'


def _some(names: Sequence[str], limit: int | None) -> str:
    return f'{len(names)} ({", ".join([*names[:limit], *(["..."] if len(names) > len(names[:limit]) else [])])})'

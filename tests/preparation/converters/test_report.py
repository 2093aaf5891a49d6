from mmqanet.preparation.converters.report import Outcome, SplitReport

PERSON = {'parsing_id': 1}


def outcomes(done, failed=0, ruled=0):
    return [*(Outcome(f'd{i}', people=[PERSON]) for i in range(done)),
            *(Outcome(f'f{i}', error='gone') for i in range(failed)),
            *(Outcome(f'r{i}', rule='blurred') for i in range(ruled))]


def test_counts_against_the_published_ones():
    for count, words, incomplete in ((4, 'all are here', False), (6, '2 are missing', True), (5, '1 is missing', True),
                                     (3, '1 more is here', False), (2, '2 more are here', False)):
        report = SplitReport('Training', outcomes(3, ruled=1), official=count)
        assert report.lines()[1] == f'  published with {count} images: {words}'
        assert report.incomplete == incomplete


def test_verified_images_are_compared_but_not_missed():
    """What a rule left out of the conversion is not in the folder, and no fault."""
    report = SplitReport('Training', outcomes(3), official=5, verified=True)
    assert report.lines() == ['Training: 3 of 3 images (3 people) are whole; 0 failed',
                              '  published with 5 images: 2 are not here']
    assert not report.incomplete
    assert SplitReport('Training', outcomes(1), official=1, verified=True).lines() == [
        'Training: 1 of 1 images (1 person) are whole; 0 failed', '  published with 1 image: all are here']
    assert SplitReport('Training', outcomes(3, failed=1), verified=True).incomplete


def test_what_makes_a_split_incomplete():
    assert not SplitReport('x', outcomes(2, ruled=1)).incomplete
    assert SplitReport('x', outcomes(2, failed=1)).incomplete
    assert SplitReport('x', fault='no folder').incomplete
    assert not SplitReport('x', fault='no folder', optional=True).incomplete
    hidden = [Outcome('a', people=[], unlabelled=(4,))]
    assert SplitReport('x', hidden).incomplete
    assert not SplitReport('x', hidden, unlabelled_is_fault=False).incomplete


def test_long_lists_are_cut_but_counted():
    report = SplitReport('x', [*outcomes(0, failed=5, ruled=4), Outcome('n', people=[], notes=(('odd', 'n.png'),))])
    assert report.lines(2)[1:] == [
        '  unusable, blurred: 4 (r0, r1, ...)', '  odd: 1 (n.png)', '  failed, f0: gone', '  failed, f1: gone',
        '  failed, and 3 more']
    assert len(report.lines()) == 8
    assert '  unusable, blurred: 4 (r0, r1, r2, r3)' in report.lines()

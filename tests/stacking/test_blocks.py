"""Which waiting jobs make a block, and on how many lanes."""

from dataclasses import replace

import pytest

from skreg.engine import Stopping
from skreg.stacking.blocks import (
    MAX_LANES,
    Group,
    Request,
    full_stack_lanes,
    lanes_of_one_fit,
)
from tests.support import captured, plain_classifier


@pytest.fixture(scope="module")
def job_of_widths(cancer):
    """A function from widths and epochs to a structure and a job of them."""

    def made(*widths, epochs=1):
        return captured(plain_classifier(widths, epochs=epochs), *cancer)

    return made


def blocks_of(n_requests, structure, job, *, full=8, programs=(), n_workers=2):
    """(lanes, jobs) of all blocks of a group, each compiled before the next."""
    programs = list(programs)
    group = Group(lambda structure: full, lambda: programs, n_workers)
    for index in range(n_requests):
        group.add(Request(structure, job, fit=None, index=index))
    found = []
    while group.has_requests:
        block = group.next_block()
        programs.append((block.structure, block.lanes))
        found.append((block.lanes, len(block.requests)))
    return found


@pytest.mark.parametrize(
    ("n_requests", "blocks"),
    [
        (1, [(2, 1)]),  # the smallest program has two lanes
        (5, [(4, 4), (4, 1)]),
        (8, [(4, 4), (4, 4)]),
        (20, [(8, 8), (8, 8), (8, 4)]),
    ],
)
def test_few_jobs_are_divided_among_the_cores(job_of_widths, n_requests, blocks):
    assert blocks_of(n_requests, *job_of_widths(8)) == blocks


@pytest.mark.parametrize(
    ("n_requests", "n_workers", "blocks"),
    [(32, 4, [(8, 8)] * 4), (30, 16, [(2, 2)] * 15), (60, 8, [(8, 8)] * 7 + [(8, 4)])],
)
def test_many_cores_share_one_program(job_of_widths, n_requests, n_workers, blocks):
    """What is left takes the program there is, not one for full stacks."""
    job = job_of_widths(8)
    assert blocks_of(n_requests, *job, full=16, n_workers=n_workers) == blocks


def test_jobs_with_callbacks_of_one_fit_stay_together(job_of_widths):
    structure, job = job_of_widths(8)
    told = replace(job, listener=print)
    assert blocks_of(5, structure, told) == [(4, 5)]


def test_jobs_of_several_lengths_queue_for_a_stacks_lanes(job_of_widths):
    """A block has more jobs than lanes, but leaves half of them to the other core."""
    structure, job = job_of_widths(8)
    watched = replace(job, stopping=Stopping(3, 0.0, True))
    assert blocks_of(40, structure, watched)[:2] == [(8, 20), (8, 10)]
    assert blocks_of(200, structure, watched)[0] == (8, 32)


def test_a_short_job_takes_the_program_of_a_full_stack(job_of_widths):
    structure, job = job_of_widths(8)
    assert blocks_of(1, structure, job, programs=[(structure, 8)]) == [(8, 1)]


def test_a_long_job_alone_gets_a_program_of_few_lanes(job_of_widths):
    """Where the full stack's free lanes would cost more than to compile it."""
    structure, job = job_of_widths(128, 128, epochs=1000)
    assert blocks_of(1, structure, job, programs=[(structure, 8)]) == [(2, 1)]


def test_one_worker_takes_all(job_of_widths):
    """An executor does not tell how many it has."""
    assert blocks_of(5, *job_of_widths(8), n_workers=1) == [(8, 5)]


def test_full_stacks_fit_into_a_cores_cache_and_have_no_free_lane(job_of_widths):
    assert full_stack_lanes(job_of_widths(8)[0]) == MAX_LANES
    assert 2 < full_stack_lanes(job_of_widths(128, 128)[0]) < MAX_LANES
    assert full_stack_lanes(job_of_widths(256, 256, 256)[0]) == 2  # of the program
    assert full_stack_lanes(job_of_widths(1024, 1024)[0]) == 1  # it takes all cores


def test_a_fit_alone_has_small_stacks(job_of_widths):
    assert lanes_of_one_fit(job_of_widths(8)[0]) == 2
    assert lanes_of_one_fit(job_of_widths(1024, 1024)[0]) == 1

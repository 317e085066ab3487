"""A loss taken a few queries at a time equals that of the whole batch, and so does its gradient."""

import pytest
import torch
from torch.testing import assert_close

from avssl_hub.objectives import _by_blocks
from avssl_hub.objectives._by_blocks import mean_over_queries


def example():
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(7, 5, generator=generator, dtype=torch.float64)
    rows = torch.randn(11, 5, generator=generator, dtype=torch.float64)
    return queries, rows, torch.randint(11, (7, 4), generator=generator)


def mean_of_squares(cosines):
    return cosines.square().sum(1).mean()


# One query at a time; two, which leaves one over; all seven.
@pytest.mark.parametrize("block", [1, 40, 1000])
def test_loss_and_gradient_are_those_of_the_formula(monkeypatch, block):
    monkeypatch.setattr(_by_blocks, "BLOCK", block)
    queries, rows, items = example()
    queries.requires_grad_()
    loss = mean_over_queries(queries, rows, items, mean_of_squares)
    (3 * loss).backward()
    # d/dq of 1/7 sum_k (q r_k)^2 is 2/7 sum_k (q r_k) r_k.
    expected, gradient = 0, torch.zeros_like(queries)
    for index in range(7):
        for item in items[index]:
            product = (queries[index].detach() * rows[item]).sum()
            expected += product**2 / 7
            gradient[index] += 3 * 2 / 7 * product * rows[item]
    assert_close(loss.detach(), expected, rtol=1e-12, atol=0)
    assert_close(queries.grad, gradient, rtol=1e-12, atol=1e-14)


def test_rows_may_change_before_the_gradient_is_asked_for():
    queries, rows, items = example()
    of_old = torch.autograd.functional.jacobian(lambda q: mean_over_queries(q, rows, items, mean_of_squares), queries)
    queries.requires_grad_()
    loss = mean_over_queries(queries, rows, items, mean_of_squares)
    rows.zero_()
    loss.backward()
    assert_close(queries.grad, of_old, rtol=0, atol=0)
    assert of_old.abs().min() > 0


def test_without_gradient_the_loss_is_the_same():
    queries, rows, items = example()
    with torch.no_grad():
        alone = mean_over_queries(queries, rows, items, mean_of_squares)
    assert not alone.requires_grad
    loss = mean_over_queries(queries.requires_grad_(), rows, items, mean_of_squares)
    assert_close(loss.detach(), alone, rtol=0, atol=0)

"""A model of `sie.build` samples with nutpie by PyMC's own function too, in a process in which `sie.fit` imported nutpie without ArviZ."""

import subprocess
import sys

import pytest
from conftest import PATIENCE

FIT = """
import sie
view = sie.read_view("davidson_2025")
model = sie.build(sie.usable(sie.read_evidence(), view), view)
sie.fit(model, seed=1, draws=1000)
import pymc as pm
import arviz as az
options = {"draws": 50, "tune": 50, "chains": 2, "cores": 1, "random_seed": 1, "progressbar": False}
tree = pm.sample(model=model, nuts_sampler="nutpie", **options)
assert az.summary(tree, var_names=["r", "r_asara"])["mean"].notna().all()
print(dict(tree.posterior.sizes)["draw"])
"""


@pytest.mark.long
@pytest.mark.slow
def test_pymc_samples_a_model_after_a_fit():
    done = subprocess.run([sys.executable, "-c", FIT], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["50"]

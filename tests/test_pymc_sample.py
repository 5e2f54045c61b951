"""A model of `sie.build` samples with PyMC's own function too, in a process in which `sie.fit` imported nutpie without ArviZ."""

import subprocess
import sys

import pytest

FIT = """
import sie
view = sie.read_view("reference")
model = sie.build(sie.usable(sie.read_evidence(), view), view)
sie.fit(model, seed=1, draws=1000)
import pymc as pm
import arviz as az
options = {"draws": 50, "tune": 50, "chains": 2, "cores": 1, "random_seed": 1, "progressbar": False}
tree = pm.sample(model=model, nuts_sampler=SAMPLER, **options)
assert az.summary(tree, var_names=["r", "r_asara"])["mean"].notna().all()
print(dict(tree.posterior.sizes)["draw"])
"""


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["nutpie", "pymc"])
def test_pymc_samples_a_model_after_a_fit(sampler):
    code = FIT.replace("SAMPLER", repr(sampler))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["50"]

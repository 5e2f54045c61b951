import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # How do I add a term to the model, and is it any better?

    `sie.build` returns an ordinary PyMC model, so all of PyMC's functions work on it.
    Here domains of software differ from a typical one by a normal deviation, `z`. Suppose that a few domains
    are outliers: then tails heavier than the normal's would fit better, and a single odd domain would pull
    the others less. This notebook makes that change, samples both models, compares them by leave-one-out
    cross-validation and shows the effect on `r` at ASARA.
    """)


@app.cell
def _():
    import logging
    import warnings

    import arviz as az
    import marimo as mo
    import numpy as np
    import pandas as pd
    import pymc as pm
    import xarray as xr
    from matplotlib.figure import Figure

    import sie

    logging.getLogger("pymc").setLevel("WARNING")  # PyMC announces what it draws
    return Figure, az, logging, mo, np, pd, pm, sie, warnings, xr


@app.cell
def _(sie):
    view = sie.read_view("davidson_2025")
    rows = sie.usable(sie.read_evidence(), view)
    draws = 4000  # in all four chains
    seed = 1
    return draws, rows, seed, view


@app.cell(hide_code=True)
def _(mo, rows, view):
    mo.md(f"""
    ## The model as it is

    {view.label}, with {rows.sizes["estimate"]} rows. For each domain
    `r = r_typical * exp(spread * remoteness * z)`, with `z ~ Normal(0, 1)`.
    """)


@app.cell
def _(draws, rows, seed, sie, view):
    model = sie.build(rows, view)
    tree = sie.fit(model, seed=seed, draws=draws, groups=["log_likelihood"])
    return model, tree


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## The model with another term

    New variables are declared in the model's context; `pm.do` replaces an existing variable by an
    expression of them. `z` becomes a Student-t variable whose degrees of freedom are a quantity of the
    model with a prior of its own (Juárez and Steel 2010: Gamma with shape 2 and rate 0.1). `sie.build` is
    called again, so that the model above stays unchanged.
    """)


@app.cell
def _(pm, rows, sie, view):
    extended = sie.build(rows, view)
    with extended:
        degrees_of_freedom = pm.Gamma("degrees_of_freedom", alpha=2, beta=0.1)
        z_heavy = pm.StudentT("z_heavy", nu=degrees_of_freedom, dims="domain")
    heavy = pm.do(extended, {"z": z_heavy})
    return degrees_of_freedom, extended, heavy, z_heavy


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Any sampler of PyMC takes it (`pm.sample(model=heavy)`). `sie.fit` does too: it samples the graph of a
    model that was changed, applies the same checks of convergence, and adds what `az.loo` needs. For an
    unchanged model from `sie.build` it uses a faster form of the same density, so this fit takes longer.
    """)


@app.cell
def _(draws, heavy, seed, sie):
    # Another seed, so that the errors of the two fits are independent.
    heavy_tree = sie.fit(heavy, seed=seed + 1, draws=draws, groups=["log_likelihood"])
    return (heavy_tree,)


@app.cell
def _(heavy_tree, pd, tree):
    labels = {"normal": tree, "heavy tails": heavy_tree}
    sampled = pd.DataFrame(
        {
            label: {name: each.attrs[name] for name in ("max_rhat", "min_ess", "divergences")}
            for label, each in labels.items()
        }
    ).T
    sampled.round(3)
    return labels, sampled


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Which predicts a row better?

    `az.loo` estimates how well each row is predicted from all the others, without fitting again, and
    `az.compare` sets the sums side by side. Only the rows on `r` are compared (growth rates and raw
    histories): the term says nothing about the rest. Their log-likelihoods, one variable a kind of row, are
    joined along one dimension first.
    """)


@app.cell
def _(az, labels, warnings, xr):
    kinds = ["log_output_growth", "log_r_history"]
    pointwise = {
        label: xr.concat([each.log_likelihood[name].rename({f"{name}_row": "row"}) for name in kinds], "row")
        for label, each in labels.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of large Pareto k, which are shown below
        scores = {
            label: az.loo(
                xr.DataTree.from_dict(
                    {
                        "posterior": labels[label].posterior.to_dataset(),
                        "log_likelihood": values.to_dataset(name="log_r"),
                    }
                ),
                pointwise=True,
            )
            for label, values in pointwise.items()
        }
    comparison = az.compare(scores, round_to="none")
    comparison[["rank", "elpd", "se", "elpd_diff", "dse", "p"]].astype(float).round(2)
    return comparison, kinds, pointwise, scores


@app.cell
def _(pd, scores):
    by_row = pd.DataFrame(
        {
            f"{column}, {label}": score[key].to_series()
            for column, key in (("elpd", "elpd_i"), ("Pareto k", "pareto_k"))
            for label, score in scores.items()
        }
    )
    by_row.round(2)
    return (by_row,)


@app.cell
def _(by_row, comparison):
    best, other = comparison.index[0], comparison.index[-1]
    gap, error = (abs(float(comparison.loc[other, name])) for name in ("elpd_diff", "dse"))
    bad = int((by_row.filter(like="Pareto k") > 0.7).any(axis=1).sum())
    verdict = (
        f"The model with the higher score is {best}, by {gap:.2f} with a standard error of {error:.2f}, over"
        + f" {len(by_row)} rows: "
        + (
            "the rows tell the two apart."
            if gap > max(4, 2 * error)
            else "the rows do not tell the two apart."
        )
    )
    return bad, best, error, gap, other, verdict


@app.cell(hide_code=True)
def _(bad, by_row, mo, verdict):
    mo.md(f"""
    **{verdict}** A difference below 4 is small whatever its error, and with fewer than 100 rows the error
    itself is likely too low (Sivula, Magnusson and Vehtari 2020). Pareto k is above 0.7 for {bad} of
    {len(by_row)} rows in one model or both: for those the score is not to be relied on, and a fit without the row
    (notebook 4) is the way to know.
    """)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What did the rows say about the tails?

    Few degrees of freedom mean heavy tails; from about 30 on a Student-t can hardly be told from a normal.
    """)


@app.cell
def _(heavy_tree, pd):
    tails = pd.DataFrame(
        {
            group: heavy_tree[group].degrees_of_freedom.quantile([0.05, 0.5, 0.95]).to_series()
            for group in ("prior", "posterior")
        }
    )
    tails.round(1)
    return (tails,)


@app.cell
def _(heavy_tree, labels, np, pd, sie, tails):
    r = pd.DataFrame(
        {
            label: {f"{100 * q:.0f} %": float(each.posterior.r_asara.quantile(q)) for q in (0.05, 0.5, 0.95)}
            for label, each in labels.items()
        }
    ).T
    likely = [sie.credences(sie.simulate(each.posterior), events=["r_above_1"]) for each in labels.values()]
    r["P(r > 1)"], r["its MCSE"] = ([float(table[key].item()) for table in likely] for key in ("p", "mcse"))
    moved = r["P(r > 1)"].iloc[1] - r["P(r > 1)"].iloc[0]
    moved_error = np.hypot(*r["its MCSE"])
    answer = (
        f"The median degrees of freedom went from {tails.loc[0.5, 'prior']:.0f} to"
        + f" {tails.loc[0.5, 'posterior']:.0f}. With heavy tails the median of r at ASARA is"
        + f" {r['50 %'].iloc[1]:.2f} rather than {r['50 %'].iloc[0]:.2f}, and P(r > 1) differs by"
        + f" {100 * moved:+.1f} points, with a Monte Carlo error of {100 * moved_error:.1f}"
        + (": more than" if abs(moved) > 2 * moved_error else ": not more than")
        + " chance in the draws explains."
    )
    r.round(3)
    return answer, moved, moved_error, r


@app.cell(hide_code=True)
def _(answer, mo, verdict):
    mo.md(f"""
    ## So

    **{verdict} {answer}** Where a comparison cannot choose, the choice is a judgement, and the difference
    that it makes belongs beside the answer.
    """)


@app.cell
def _(Figure, heavy_tree, sie, tree):
    figure = Figure(figsize=(9, 9), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    sie.plot_r(tree.prior, tree.posterior, ax=upper, title="normal deviations of domains")
    sie.plot_r(heavy_tree.prior, heavy_tree.posterior, ax=lower, title="heavy tails")
    figure
    return (figure,)


if __name__ == "__main__":
    app.run()

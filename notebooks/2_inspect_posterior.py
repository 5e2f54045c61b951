import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # What did the evidence move, and why?

    A posterior is a table of draws. This notebook asks about one view, ours, what you should ask about any: did
    the sampler work, which quantities differ between prior and posterior, which domains pull the others,
    would the answer change if prior or evidence counted a little more, and does the
    model predict what it was not shown? At the end it shows, quantity by quantity, what moved `r` at ASARA.

    Everything below is about the view named in `sie.read_view`; change the name there to inspect another.
    """)


@app.cell
def _():
    import arviz as az
    import marimo as mo
    import numpy as np
    import pandas as pd
    import pymc as pm
    import xarray as xr

    import sie
    from sie.analysis import checking, leaving_out
    from sie.plots import evidence as evidence_plots

    pd.set_option("display.max_rows", None)  # tables in full

    return az, checking, evidence_plots, leaving_out, mo, np, pd, pm, sie, xr


@app.cell
def _(sie):
    view = sie.read_view("reference")
    draws = 4000  # in all four chains
    seed = 1
    evidence = sie.read_evidence()
    rows = sie.usable(evidence, view)
    model = sie.build(rows, view)
    tree = sie.fit(model, seed=seed, draws=draws)
    return draws, evidence, model, rows, seed, tree, view


@app.cell
def _(mo, model, pm):
    mo.md(
        "## What is the model?\n\nAn ordinary PyMC model: every quantity of the view is a variable of its own name, every kind of "
        + "evidence row an observed variable, and `r`, `r_asara` and what follows are deterministics. All functions of PyMC and "
        + f"ArviZ work on it.\n\n```text\n{model.str_repr()}\n```\n\n```mermaid\n{pm.model_to_mermaid(model)}\n```"
    )
    return


@app.cell(hide_code=True)
def _(mo, rows, tree, view):
    mo.md(f"""
    ## Did the sampler work?

    {view.label}, updated on {rows.sizes["estimate"]} rows of evidence: {tree.attrs["draws"]} draws in four
    chains that started apart. `sie.fit` raises an error if a fit does not converge; here the worst R-hat is
    {tree.attrs["max_rhat"]:.4f}, the least effective sample size {tree.attrs["min_ess"]:.0f}, and
    {tree.attrs["divergences"]} draws diverged. To see it: on the left are the densities of the chains, which
    should coincide; on the right their draws in order, which should look like stationary noise, without
    trends.
    """)


@app.cell
def _(az, tree):
    traces = az.plot_trace_dist(tree, var_names=["r_typical", "spread", "r_asara"])
    trace_figure = traces.viz["figure"].item()
    trace_figure.set_size_inches(10, 6)
    trace_figure.set_layout_engine("constrained")
    trace_figure
    return (trace_figure,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Which quantities moved?

    Each panel is one quantity of the chain from `r` of a typical software domain to `r` at ASARA, as a
    logarithm to base 2: one step to the right is a doubling. Where the two curves agree, no row informs
    that quantity, and the posterior is the author's prior.
    """)


@app.cell
def _(az, np, sie, tree, xr):
    chain = ["r_typical", "spread", *sie.ADJUSTMENTS, "r_asara"]
    logs = xr.DataTree.from_dict(
        {group: np.log2(tree[group].to_dataset()[chain]) for group in ("prior", "posterior")}
    )
    moved = az.plot_prior_posterior(logs, col_wrap=4).viz["figure"].item()
    moved.set_size_inches(11, 5)
    moved.set_layout_engine("constrained")
    moved.supxlabel("logarithm to base 2 (spread: of the standard deviation of log r between domains)")
    moved.supylabel("density")
    moved
    return chain, logs, moved


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Which domains pull, and which are pulled?

    A domain with a precise history keeps its own `r`; one with little evidence is drawn towards a typical
    domain's. `raw` is `r` from a domain's own rows, `pooled` its posterior given all rows, and `shrinkage`
    the share of the distance to `r_typical` by which pooling moved it. Hollow marks are readings of the same
    domain at another level, which would count the same facts twice and so do not enter.
    `P(replicate below observed)` is the posterior predictive check: were the domain measured again, how often
    would the result lie below what was seen? Values near 0 or 1 mean that the model does not fit these data.
    """)


@app.cell
def _(checking, evidence, evidence_plots, model, seed, tree, view):
    domains = checking.domain_table(tree, model, seed=seed)
    raw = checking.raw_by_level(tree, evidence, view, seed=seed)
    forest = evidence_plots.plot_forest(domains, raw, title=view.label).figure
    forest
    return domains, forest


@app.cell
def _(domains, pd):
    shrinkage = pd.DataFrame(
        {
            "level": domains.level,
            "rows": domains.rows,
            "raw median": domains.raw.sel(quantile=0.5),
            "pooled median": domains.pooled.sel(quantile=0.5),
            "shrinkage": domains.shrinkage,
            "P(replicate below observed)": domains.below,
        },
        index=domains.domain.to_index(),
    )
    shrinkage.round(2)
    return (shrinkage,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Would it change if prior or evidence counted a little more?

    Power scaling raises one prior, or one row's likelihood, to a power near 1 and measures how far `r` at
    ASARA moves. From 0.05 on, Kallioinen et al. (2024) call the answer sensitive to it. A prior that scores
    high is one to argue about; a row that scores high is one to check.
    """)


@app.cell
def _(model, pd, sie, tree):
    scaling = sie.power_scaling(tree, model)
    sensitivity = pd.concat(
        {"prior": scaling.of_prior.to_series(), "row": scaling.of_row.to_series()}, names=["of", "name"]
    ).to_frame("sensitivity of r at ASARA")
    sensitivity.sort_values("sensitivity of r at ASARA", ascending=False).round(3).head(15)
    return (sensitivity,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Would the model have made these data?

    Posterior predictive check: each thin line is a replicate of the rows on factors simulated from the
    posterior, the thick one the observed values, as natural logarithms. Then leave-one-out cross-validation
    of the rows on growth: a Pareto shape above 0.7 marks a row so influential that only a refit without it
    gives its effect (`sie evidence --loo`).
    """)


@app.cell
def _(az, tree):
    predictive = az.plot_ppc_dist(tree, var_names=["log_factor"], num_samples=50).viz["figure"].item()
    predictive.set_size_inches(8, 4)
    predictive.set_layout_engine("constrained")
    predictive.supxlabel("log of a published factor")
    predictive.supylabel("share of the rows at most this")
    predictive
    return (predictive,)


@app.cell
def _(az, pd, tree):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a large Pareto shape is in the table
        loo = az.loo(tree, var_name="log_output_growth", pointwise=True)
    pareto = pd.DataFrame({"elpd": loo.elpd_i.to_series(), "Pareto shape": loo.pareto_k.to_series()})
    pareto.round(2)
    return loo, pareto


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What if you know something that is not in the tables?

    Add it, as to any PyMC model, and fit again: here, that `r` of language models was measured once more, at 1.5 with an error of
    a factor of 1.3. A changed model is compiled from its graph, which takes longer than `fit` on the model as built.
    """)


@app.cell
def _(draws, np, pd, pm, rows, seed, sie, tree, view):
    extended = sie.build(rows, view)
    with extended:
        pm.Normal("log_r_measured_again", np.log(extended["r_target"]), np.log(1.3), observed=np.log(1.5))
    with_term = sie.fit(extended, seed=seed, draws=draws, groups=())
    added = pd.DataFrame(
        {
            label: {
                "r of language models, median": each.posterior.r_target.median().item(),
                "r at ASARA, median": each.posterior.r_asara.median().item(),
                "P(r > 1)": sie.credences(
                    sie.simulate(each.posterior.to_dataset()), events=["r_above_1"]
                ).p.item(),
            }
            for label, each in (("as built", tree), ("with the term", with_term))
        }
    )
    added.round(2)
    return added, extended, with_term


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Does the model predict what it was not shown?

    The hardest check: leave a domain out, fit the others, and predict what its rows say. A diamond within
    its bar is a domain that the others predicted. About nine in ten should be.
    """)


@app.cell
def _(draws, evidence_plots, leaving_out, rows, seed, view):
    predicted = leaving_out.leave_domains_out(rows, view, seed=seed, draws=draws)
    foreseen = evidence_plots.plot_predicted(predicted, title=view.label).figure
    foreseen
    return foreseen, predicted


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## So: what moved `r` at ASARA

    `r` at ASARA is a product, so its logarithm is a sum, and the shift of that sum's mean from prior to
    posterior is shared out exactly: `r_target` (`r` of language models, from `r_typical` and `spread`) and
    each adjustment. `moved` is that share as a factor on `r`; the factors multiply to the last line.
    """)


@app.cell
def _(np, pd, sie, tree):
    terms = ["r_target", *sie.ADJUSTMENTS, "r_asara"]
    shifts = pd.DataFrame(
        {
            "prior median": tree.prior.to_dataset()[terms].median().to_pandas(),
            "posterior median": tree.posterior.to_dataset()[terms].median().to_pandas(),
            "moved": np.exp(
                np.log(tree.posterior.to_dataset()[terms]).mean().to_pandas()
                - np.log(tree.prior.to_dataset()[terms]).mean().to_pandas()
            ),
        }
    )
    shifts.round(2)
    return (shifts,)


@app.cell
def _(domains, mo, rows, sensitivity, shifts):
    moves = shifts["moved"].drop("r_asara")
    most = moves.iloc[(moves.map(lambda factor: max(factor, 1 / factor))).argmax()]
    why = sensitivity.loc["row"].squeeze().nlargest(3).index.tolist()
    informed = int((domains.rows > 0).sum())
    conclusion = (
        f"The {rows.sizes['estimate']} rows, on {informed} domains and on the adjustments, moved r at ASARA "
        + f"by a factor of {shifts.loc['r_asara', 'moved']:.2f}. The largest part is that "
        + f"of {moves.index[moves == most][0]} (a factor of {most:.2f}). The rows to which it is most sensitive are "
        + f"{', '.join(why)}."
    )
    mo.md(f"""
    **{conclusion}** The figure shows the whole chain after evidence: from `r` of language models, by one
    adjustment at a time, to `r` at ASARA.
    """)
    return (conclusion,)


@app.cell
def _(sie, tree, view):
    waterfall = sie.plot_waterfall(tree.posterior, title=f"{view.label}, given priors and evidence").figure
    waterfall
    return (waterfall,)


if __name__ == "__main__":
    app.run()

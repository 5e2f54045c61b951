import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # How does my credence change when I change a prior?

    `r` is the number of doublings of software per doubling of cumulative research input. `r_asara` is its
    value once AI does all the research (ASARA); above 1, progress speeds up at first. An author's *view* is
    a prior for each quantity behind `r_asara` and behind the growth that follows. This notebook updates one
    view on published estimates, changes one prior, and compares the credences in a software intelligence
    explosion.

    To ask your own question, edit the prior in the cell **Change a prior**: every cell below it runs again.
    """)


@app.cell
def _():
    import arviz as az
    import marimo as mo
    import pandas as pd
    from matplotlib.figure import Figure

    import sie
    from sie.data.wording import prior_in_words

    pd.set_option("display.max_colwidth", None, "display.max_rows", None)  # quotes and tables in full
    return Figure, az, mo, pd, prior_in_words, sie


@app.cell
def _():
    draws = 4000  # in all four chains; 20000 makes the Monte Carlo errors half as large
    seed = 1
    return draws, seed


@app.cell
def _(sie):
    view = sie.read_view("davidson_2025")
    return (view,)


@app.cell(hide_code=True)
def _(mo, view):
    mo.md(f"""
    ## The view: {view.label}

    `lognormal 1.7 to 2.5 (5–95 %)` is `sie.lognormal(1.7, 2.5)`, given by its 5 % and 95 % quantiles. `basis` says
    where the numbers come from: the author's words (`stated`, `transcribed`), a calculation from them
    (`derived`, `calibrated`), or our judgement (`ours`).
    """)


@app.cell
def _(pd, prior_in_words, view):
    priors = pd.DataFrame(
        {
            "quantity": name,
            "prior": prior_in_words(entry.prior),
            "median": entry.prior.median(),
            "unit": entry.unit,
            "basis": entry.basis,
            "quote or note": entry.quote or entry.note,
        }
        for name, entry in view.entries.items()
    )
    priors.set_index("quantity")
    return (priors,)


@app.cell
def _(sie, view):
    evidence = sie.read_evidence()
    rows = sie.usable(evidence, view)
    return evidence, rows


@app.cell(hide_code=True)
def _(evidence, mo, rows):
    mo.md(f"""
    ## The evidence: {rows.sizes["estimate"]} of {evidence.sizes["estimate"]} rows

    A row is an estimate of `r` in some domain, published or read off growth rates or a raw history, or an
    estimate of a factor that adjusts it. Nothing counts twice: rows that the view already rests on are left
    out, and a domain enters at one level only. `implied r` is what a row alone says about `r` in its own
    domain, median and 5 % to 95 % quantiles; for growth rates it is output growth over input growth.
    Notebook 4 is about the rows.
    """)


@app.cell
def _(evidence, sie, view):
    estimates = sie.evidence_table(evidence, view).sort_values("used", ascending=False, kind="stable")
    estimates
    return (estimates,)


@app.cell
def _(draws, rows, seed, sie, view):
    tree = sie.fit(sie.build(rows, view), seed=seed, draws=draws)
    return (tree,)


@app.cell(hide_code=True)
def _(mo, tree):
    mo.md(f"""
    ## Prior and evidence make a posterior

    `tree` holds {tree.attrs["draws"]} draws before evidence (`tree.prior`) and after it (`tree.posterior`),
    as ArviZ reads them. Had the sampler failed, `sie.fit` would have raised `sie.NotConverged`: the worst
    R-hat is {tree.attrs["max_rhat"]:.3f} (want at most 1.01), the least effective sample size
    {tree.attrs["min_ess"]:.0f} (want at least 400), and {tree.attrs["divergences"]} draws diverged.

    Each line is a quantity of the view, and the last is `r_asara`, which follows from them: mean, standard
    deviation, the 5 % and 95 % quantiles (`eti90`), then the sampler's diagnostics.
    """)


@app.cell
def _(az, sie, tree):
    chain = ["r_typical", "spread", *sie.ADJUSTMENTS, "r_asara"]
    summary = az.summary(tree, group="posterior", var_names=chain, ci_prob=0.9)
    summary
    return chain, summary


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Change a prior

    `capabilities` is the factor on `r` because better software makes AI smarter, not only cheaper. The
    author puts it at 1.7 to 2.5. Suppose that you are less sure: 1.6 to 2.8. `view.replace` leaves the view
    as it was and returns a new one.
    """)


@app.cell
def _(sie, view):
    view2 = view.replace(capabilities=sie.lognormal(1.6, 2.8))
    return (view2,)


@app.cell
def _(seed, sie, tree, view, view2):
    try:
        reweighted = sie.reweight(tree, view, view2, seed=seed)
        answer = f"""Here that is accurate enough: Pareto k-hat is {reweighted.attrs["khat"]:.2f} (want at most 0.7), and
    the {tree.attrs["draws"]} draws have the effective sample size {reweighted.attrs["effective_draws"]:.0f}. The median
    of `r_asara` becomes {reweighted.posterior.r_asara.median().item():.2f}."""
    except sie.RefitNeeded as error:
        reweighted = None
        answer = f"Here it is not accurate enough, and the function refuses: *{error}*."
    return answer, reweighted


@app.cell(hide_code=True)
def _(answer, mo):
    mo.md(f"""
    ### Quick: reweight the draws

    `sie.reweight` gives each draw of the old posterior its weight under the new prior, without sampling. It
    is accurate only if the old draws cover the new posterior, which k-hat measures. {answer}
    """)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ### Exact: fit again

    The model is compiled already, so a second fit takes about a second. The medians show what moved. A wider
    prior is also moved more by evidence, so that a higher prior median can end in a lower posterior median.
    """)


@app.cell
def _(chain, draws, evidence, pd, seed, sie, tree, view2):
    # Another seed, so that the errors of the two fits are independent.
    tree2 = sie.fit(sie.build(sie.usable(evidence, view2), view2), seed=seed + 1, draws=draws)
    medians = pd.DataFrame(
        {
            label: dataset[chain].median().to_pandas()
            for label, dataset in (
                ("prior", tree.prior.to_dataset()),
                ("posterior", tree.posterior.to_dataset()),
                ("changed prior", tree2.prior.to_dataset()),
                ("its posterior", tree2.posterior.to_dataset()),
            )
        }
    )
    medians.round(3)
    return medians, tree2


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Credences before and after

    Each line is one precise meaning of a software intelligence explosion. `mcse` is the Monte Carlo
    standard error, from the finite number of draws alone. `difference` is the changed prior against the
    author's, both with evidence; its error combines those of the two (the root of the sum of squares).
    """)


@app.cell
def _(pd, sie, tree, tree2):
    before = sie.credences(sie.simulate(tree.prior))
    after = sie.credences(sie.simulate(tree.posterior))
    after2 = sie.credences(sie.simulate(tree2.posterior))
    credences = pd.DataFrame(
        {
            "author's priors": before.p,
            "mcse of priors": before.mcse,
            "with evidence": after.p,
            "mcse with evidence": after.mcse,
            "changed prior": after2.p,
            "mcse changed": after2.mcse,
            "difference": after2.p - after.p,
            "combined mcse": (after.mcse**2 + after2.mcse**2) ** 0.5,
            "meaning": after.wording,
        },
        index=after.event.to_index(),
    )
    credences.round(3)
    return (credences,)


@app.cell
def _(credences, view, view2):
    changed = [name for name in view.entries if view[name].prior != view2[name].prior]
    moved = credences[credences["difference"].abs() > 2 * credences["combined mcse"]]
    conclusion = (
        f"With the changed prior on {', '.join(changed) or 'nothing'}, "
        + f"{len(moved)} of {len(credences)} credences moved by more than twice their "
        + "combined Monte Carlo error"
        + "".join(
            f"{', ' if i else ': '}{event} from {row['with evidence']:.2f} to {row['changed prior']:.2f}"
            for i, (event, row) in enumerate(moved.iterrows())
        )
        + "."
    )
    return changed, conclusion, moved


@app.cell(hide_code=True)
def _(conclusion, mo):
    mo.md(f"""
    ## So

    **{conclusion}** By chance alone, one in twenty would seem to move by as much; more draws settle it.
    """)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## `r` at ASARA, before and after evidence, before and after the change
    """)


@app.cell
def _(Figure, sie, tree, tree2):
    figure = Figure(figsize=(9, 9), layout="constrained")
    upper, lower = figure.subplots(2, sharex=True)
    sie.plot_r(tree.prior, tree.posterior, ax=upper, title="the author's priors")
    sie.plot_r(tree2.prior, tree2.posterior, ax=lower, title="with the changed prior")
    figure
    return (figure,)


if __name__ == "__main__":
    app.run()

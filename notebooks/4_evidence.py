import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # What is the evidence, and what does each row do to `r`?

    Everything that a view learns from is in the folder `evidence/`: plain tables in which every number names
    its source. This notebook shows all of them, at which level each domain's evidence enters, how far each
    row moves `r` at ASARA, what a raw history says by itself, and what happens when you add a row of your
    own.
    """)


@app.cell
def _():
    import shutil
    import tempfile
    from pathlib import Path

    import marimo as mo
    import numpy as np
    import pandas as pd

    import sie
    from sie.analysis import checking, leaving_out
    from sie.data import bibliography as sources
    from sie.histories import arrays as histories
    from sie.histories import fit as series_fit
    from sie.plots import evidence as evidence_plots
    from sie.plots import histories as series_plots

    pd.set_option("display.max_colwidth", None, "display.max_rows", None)  # quotes and tables in full
    return (
        Path,
        checking,
        evidence_plots,
        mo,
        np,
        pd,
        histories,
        leaving_out,
        series_fit,
        series_plots,
        shutil,
        sie,
        sources,
        tempfile,
    )


@app.cell
def _(sie):
    view = sie.read_view("reference")
    draws = 4000  # in all four chains
    seed = 1
    evidence = sie.read_evidence()
    rows = sie.usable(evidence, view)
    return draws, evidence, rows, seed, view


@app.cell(hide_code=True)
def _(evidence, mo):
    mo.md(f"""
    ## Every row, with its source

    {evidence.sizes["estimate"]} rows. `kind` is `r` for a published estimate of `r`, `factor` for one of an
    adjustment, `input` for one of another quantity of a view (lambda, labour's share, sigma, the ceiling),
    `growth` for growth rates of output and inputs from which `r` follows, and `series` for a raw history. `basis` is `stated` where the quote prints the number, `transcribed` where we read it
    second-hand, `derived` where the note computes it, `ours` where it is our judgement.
    """)


@app.cell
def _(evidence, pd):
    listed = pd.DataFrame(
        {
            "kind": evidence.kind,
            "domain": [evidence.domain.values[i] if i >= 0 else "" for i in evidence.domain_idx.values],
            "median": evidence.value.sel(quantile=0.5).round(3),
            "basis": evidence.basis,
            "source": evidence.source,
            "quote": evidence.quote,
            "note": evidence.note,
        },
        index=evidence.estimate.to_index(),
    )
    listed.drop(columns=["quote", "note"])
    return (listed,)


@app.cell
def _(listed):
    said = listed["quote"].where(listed["quote"] != "", listed["note"]).rename("quote, or note")
    said.to_frame()
    return (said,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    The works behind them, as the column `source` names them:
    """)


@app.cell
def _(listed, pd, sie):
    works = {key: work for key, work in sie.read_sources().items() if key in set(listed["source"])}
    bibliography = pd.DataFrame(
        {key: [f"{work.authors} ({work.year})", work.title, work.url] for key, work in works.items()},
        index=["authors", "title", "link"],
    ).T
    bibliography
    return (bibliography,)


@app.cell(hide_code=True)
def _(mo, rows, view):
    mo.md(f"""
    ## At which level does a domain enter?

    A published estimate, the growth rates behind it and the raw history behind those are the same facts at
    different levels of detail. A domain enters at one level only, by default that of `domains.csv`;
    `usable(..., levels=...)` selects another. For {view.label} {rows.sizes["estimate"]} rows enter, the
    others are left out, each with its reason.
    """)


@app.cell
def _(evidence, listed, pd, rows):
    reasons = dict(rows.attrs["left_out"])
    entering = pd.DataFrame(
        {
            "kind": listed["kind"],
            "domain": listed["domain"],
            "level of the domain": [
                dict(rows.attrs["levels"]).get(domain, "") for domain in listed["domain"]
            ],
            "used": [row not in reasons for row in evidence.estimate.values],
            "why left out": [reasons.get(row, "") for row in evidence.estimate.values],
        },
        index=listed.index,
    )
    entering
    return entering, reasons


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Does the choice matter? Each domain's own rows at every level, as `r` against the view's input, above the
    posterior that all domains share. Filled marks are those that enter.
    """)


@app.cell
def _(checking, draws, evidence, evidence_plots, rows, seed, sie, view):
    model = sie.build(rows, view)
    tree = sie.fit(model, seed=seed, draws=draws)
    domains = checking.domain_table(tree, model, seed=seed)
    raw = checking.raw_by_level(tree, evidence, view, seed=seed)
    forest = evidence_plots.plot_forest(domains, raw, title=view.label).figure
    forest
    return domains, forest, raw, tree


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What would I believe without this row?

    The model is fitted again without each row in turn. An arrow runs from the median of `r` at ASARA
    without the row to the one with all rows; on the right, what the row adds to P(`r` > 1), in points. A
    change of less than two or three standard errors is not significant.
    """)


@app.cell
def _(draws, evidence_plots, leaving_out, rows, seed, tree, view):
    influence = leaving_out.influence(tree, rows, view, seed=seed, draws=draws)
    left_out = evidence_plots.plot_left_out(influence, title=view.label).figure
    left_out
    return influence, left_out


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What does a raw history say by itself?

    The NanoGPT speedrun: the time to train a small language model to a fixed loss, on fixed hardware, with
    records from many contributors, beside what the commit history shows of the effort behind them. The law is
    Jones': software grows with a power of cumulative effort, and effort before the first record is unknown.
    The band is the law, the dashed lines are how far single histories stray from it.
    """)


@app.cell
def _(draws, histories, seed, series_fit, sie):
    history = sie.read_series("nanogpt_speedrun")
    past = histories.as_history(history)
    fitted = series_fit.fit_series(past, seed=seed, draws=draws)
    replicates = series_fit.replicate(fitted, past, seed=seed)
    return fitted, history, past, replicates


@app.cell
def _(fitted, np, past, replicates, series_plots):
    low, middle, high = np.quantile(fitted.r, [0.05, 0.5, 0.95])
    band = series_plots.plot_series(
        fitted, past, replicates, title=f"NanoGPT speedrun: r = {middle:.2f} ({low:.2f} to {high:.2f})"
    ).figure
    band
    return band, high, low, middle


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    For comparison, a regression of log output on log effort, with independent errors and no effort before
    the first record: the slopes look precise, but are not.
    """)


@app.cell
def _(high, histories, history, low, middle, np, pd, series_fit):
    elo = np.exp(histories.ELO_PRIOR[0])  # only a history in Elo uses it
    readings = pd.DataFrame(
        {
            proxy: dict(
                zip(("r", "standard error"), series_fit.naive_slope(history, proxy, elo), strict=True)
            )
            for proxy in histories.efforts(history)
        }
    ).T
    readings["5 %"] = readings["r"] - 1.645 * readings["standard error"]
    readings["95 %"] = readings["r"] + 1.645 * readings["standard error"]
    readings.loc["the model, all effort"] = {"r": middle, "5 %": low, "95 %": high}
    readings.round(2)
    return (readings,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Add a row of your own

    Copy the folder, append a line to a table, and read the copy in place of the original: that is all. `sie
    check --evidence DIR` and every other command take such a folder too. Here an invented estimate: suppose
    that a study of language models found `r` between 4 and 9 against labour, while compute grew one to four
    times as fast as labour did. Since a domain enters at one level,
    both fits take language models at the level of published estimates.
    """)


@app.cell
def _(Path, draws, evidence, pd, seed, shutil, sie, sources, tempfile, view):
    own = {
        "id": "my_study",
        "domain": "language models",
        "input": "labour",
        "output_data": "my_benchmark",
        "input_data": "my_head_count",
        "preferred": 1,
        "r_q05": 4,
        "r_q50": 6,
        "r_q95": 9,
        "ratio_q05": 1,
        "ratio_q95": 4,
        "measure": "staff",
        "measure_sd": 0,
        "definition_sd": 0.2,
        **dict.fromkeys(sie.ADJUSTMENTS, 0),
        "basis": "ours",
        "source": "sie_project",
        "locator": "notebook",
        "note": "Invented, to show what a row does.",
    }
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "evidence"
        shutil.copytree(sources.data_folder("evidence"), copy)
        table = copy / "returns.csv"
        line = pd.DataFrame([own]).reindex(columns=pd.read_csv(table, nrows=0).columns)
        line.to_csv(table, mode="a", header=False, index=False)
        levels = {"language models": "published"}
        before, after = (
            sie.fit(sie.build(sie.usable(each, view, levels=levels), view), seed=seed, draws=draws)
            for each in (evidence, sie.read_evidence(copy))
        )
    return after, before, own


@app.cell
def _(after, before, own, pd, sie):
    compared = pd.DataFrame(
        {
            label: {
                "rows": sum(each.observed_data.sizes.values()),
                "r of language models": each.posterior.r_target.median().item(),
                "r at ASARA": each.posterior.r_asara.median().item(),
                "P(r > 1)": table.p.item(),
                "its MCSE": table.mcse.item(),
            }
            for label, each, table in (
                (label, each, sie.credences(sie.simulate(each.posterior), events=["r_above_1"]))
                for label, each in (("bundled rows", before), (f"with {own['id']}", after))
            )
        }
    ).T
    compared.astype({"rows": int}).round(3)
    return (compared,)


@app.cell(hide_code=True)
def _(compared, mo):
    mo.md(f"""
    **One row took `r` of language models from {compared["r of language models"].iloc[0]:.2f} to
    {compared["r of language models"].iloc[1]:.2f} and `r` at ASARA from
    {compared["r at ASARA"].iloc[0]:.2f} to {compared["r at ASARA"].iloc[1]:.2f}.** A row on one
    domain also moves all the others in part, since domains share `r_typical`.
    """)


@app.cell
def _(after, before, sie):
    difference = sie.plot_r(
        before.posterior, after.posterior, title="r at ASARA, both given priors and evidence"
    )
    names = {"prior": "bundled rows", "posterior": "with the new row"}
    for text in difference.get_legend().get_texts():
        group, colon, rest = text.get_text().partition(":")
        text.set_text(names.get(group, group) + colon + rest)
    difference.figure
    return (difference,)


if __name__ == "__main__":
    app.run()

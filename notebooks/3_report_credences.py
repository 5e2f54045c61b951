import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # What should I write about the probability of a software intelligence explosion?

    A probability without a definition, an error and the beliefs behind it cannot be compared with any other.
    This notebook makes the whole statement: every author's credences side by side, the exact meaning of each,
    what drives the one that you report, why it differs from someone else's, a paragraph to paste, and a
    record from which anyone can compute it again.
    """)


@app.cell
def _():
    import tempfile
    from pathlib import Path

    import marimo as mo
    import pandas as pd
    from matplotlib.figure import Figure

    import sie
    from sie.analysis.sensitivity import measures
    from sie.growth.credences import indicators
    from sie.page import ledger, saved
    from sie.page import text as report

    pd.set_option("display.max_colwidth", None, "display.max_rows", None)  # words and tables in full
    return (
        Figure,
        Path,
        indicators,
        ledger,
        mo,
        pd,
        report,
        saved,
        measures,
        sie,
        tempfile,
    )


@app.cell
def _():
    mine = "davidson_2025"  # the view to report
    other = "greenblatt_2025"  # the view to compare it with
    event = "years_3_in_1y"  # the meaning of a software intelligence explosion
    draws = 4000  # in all four chains; 20000 makes the Monte Carlo errors half as large
    seed = 1
    date = "2026-11-25"  # of the entry in the ledger
    return date, draws, event, mine, other, seed


@app.cell
def _(draws, seed, sie):
    evidence = sie.read_evidence()
    views = {name: sie.read_view(name) for name in sie.view_names()}
    priors = {name: sie.prior(view, draws=draws, seed=seed) for name, view in views.items()}
    posteriors = {
        name: sie.fit(
            sie.build(sie.usable(evidence, view), view), seed=seed, draws=draws
        ).posterior.to_dataset()
        for name, view in views.items()
        if not view.states_r_asara
    }
    tables = {
        (name, given): sie.credences(sie.simulate(some))
        for given, drawn in (("priors", priors), ("evidence", posteriors))
        for name, some in drawn.items()
    }
    return evidence, posteriors, priors, tables, views


@app.cell(hide_code=True)
def _(mo, sie):
    mo.md(f"""
    ## The headline

    {sie.headline()}

    `sie alternatives` has each of these choices with its reason.
    """)


@app.cell(hide_code=True)
def _(mo, posteriors, views):
    mo.md(f"""
    ## Every view, every meaning

    Per cent, ± Monte Carlo standard error: the uncertainty from the finite number of draws, not the author's
    uncertainty. `priors` is what the author's own numbers imply, `evidence` what they imply once updated on the
    rows that the author did not use. {len(views) - len(posteriors)} of {len(views)} views state `r` at ASARA
    directly, which evidence on its parts cannot move. Compare within a column: all its cells use one
    definition. Different columns cannot be compared.
    """)


@app.cell
def _(pd, sie, tables):
    everything = pd.DataFrame(
        {
            key: [
                f"{100 * p:.1f}±{100 * error:.1f}"
                for p, error in zip(table.p.values, table.mcse.values, strict=True)
            ]
            for key, table in tables.items()
        },
        index=list(sie.EVENTS),
    ).T.sort_index(level=0, sort_remaining=False)
    everything.rename_axis(["view", "given"]).rename(columns=lambda name: name.replace("_", " "))
    return (everything,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What each column means

    All are conditional: AI that fully automates AI R&D (ASARA) is reached and hardware stays as it is.
    """)


@app.cell
def _(pd, sie):
    meanings = pd.Series({name: each.wording for name, each in sie.EVENTS.items()}, name="happens when")
    meanings.rename_axis("event").to_frame()
    return (meanings,)


@app.cell(hide_code=True)
def _(event, mine, mo):
    mo.md(f"""
    ## What drives it?

    The tornado of `{event}` for `{mine}`, given evidence: the probability where one input is near its 5 %
    quantile, and where it is near its 95 % quantile, with the others as in those draws. The input
    on top is the one to argue about first.
    """)


@app.cell
def _(event, indicators, measures, mine, posteriors, sie, tables, views):
    inputs = measures.varying_inputs(posteriors[mine], views[mine])
    happens = indicators(sie.simulate(posteriors[mine]), [event])
    effective = measures.effective_sample_size(tables[mine, "evidence"].sel(event=[event]))
    swings = sie.tornado(inputs, happens, effective=effective)
    tornado = sie.plot_tornado(swings, title=views[mine].label).figure
    tornado
    return effective, happens, inputs, swings, tornado


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    How much does it help to know an input? `moves P by` is how far the probability would move on average, in
    points, if you learned in which twentieth of its distribution the input lies, with a 95 % interval.
    `P is a half at` is the value at which you would change your mind about which side is likelier, if there
    is one.
    """)


@app.cell
def _(effective, happens, inputs, pd, sie):
    known = sie.movement(inputs, happens, effective=effective).isel(event=0)
    halves = sie.crossings(inputs, happens, effective=effective).isel(event=0)
    drivers = pd.DataFrame(
        {
            "moves P by": 100 * known.moved,
            "from": 100 * known.lower,
            "to": 100 * known.upper,
            "P is a half at": halves.value,
        },
        index=known.input.to_index(),
    ).sort_values("moves P by", ascending=False)
    drivers.round(2)
    return (drivers,)


@app.cell(hide_code=True)
def _(mine, mo, other):
    mo.md(f"""
    ## Why does it differ from someone else's?

    From the priors of `{mine}` to those of `{other}`: each step exchanges one group of inputs for the other
    author's, averaged over every order in which that could be done, so that the steps sum to the difference.
    """)


@app.cell
def _(event, mine, other, priors, sie, views):
    apart = sie.difference(views[mine], views[other], priors[mine], priors[other], events=[event])
    steps = sie.plot_difference(
        apart,
        event,
        labels=(views[mine].label, views[other].label),
        title="Why the credences differ, given priors",
    ).figure
    steps
    return apart, steps


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What to keep

    Two records. A *ledger* is a text file with one line per report: date, view with its priors, rows, seed,
    versions and credences; `sie ledger show` later shows what moved and why. The *draws* with everything
    needed to draw them again go into one NetCDF file, which `sie open` reads on any machine. Here both are
    written, read back and compared with the table above.
    """)


@app.cell
def _(Path, date, draws, evidence, ledger, mine, report, saved, seed, sie, tempfile, views):
    result = report.compute(views[mine], evidence, seed=seed, draws=draws)
    with tempfile.TemporaryDirectory() as folder:
        book, json, netcdf = (Path(folder) / name for name in ("ledger.jsonl", "report.json", "draws.nc"))
        json.write_text(report.as_json([result], seed=seed, draws=draws), encoding="utf-8")
        ledger.append(book, ledger.entries_of(saved.read_report(json), date))
        entry = sie.read_ledger(book)[-1]
        saved.as_tree(result).to_netcdf(netcdf, engine="h5netcdf")
        opened = sie.open_saved(netcdf)
    return entry, opened, result


@app.cell
def _(entry, mine, opened, pd, tables):
    records = pd.DataFrame(
        {
            "above": tables[mine, "evidence"].p.to_series(),
            "in the ledger": {
                name: p for (name, given), (p, _) in entry.credences.items() if given == "evidence"
            },
            "from the file": opened.credences["evidence"].p.to_series(),
        }
    )
    records.round(4)
    return (records,)


@app.cell
def _(draws, entry, event, meanings, mine, mo, result, seed, tables, views):
    before, after = (tables[mine, given].sel(event=event) for given in ("priors", "evidence"))
    low, middle, high = result.draws("evidence").r_asara.quantile([0.05, 0.5, 0.95]).values
    paragraph = (
        f"Given the priors of {views[mine].label}: P({meanings[event]}) is {100 * before.p.item():.0f} % (Monte Carlo "
        f"s.e. {100 * before.mcse.item():.1f} points), and {100 * after.p.item():.0f} % "
        f"(s.e. {100 * after.mcse.item():.1f}) once updated on {result.rows.sizes['estimate']} rows of evidence that "
        f"these priors do not rest on; r at ASARA is then {middle:.2f} (90 % interval {low:.2f} to {high:.2f}). "
        f"Conditional on AI that fully automates AI R&D and on fixed hardware. "
        f"(sie {entry.versions['sie']}, {draws} draws, seed {seed}, inputs {entry.inputs_sha256[:12]}.)"
    )
    mo.md(f"""
    ## So write

    > {paragraph}

    And show it beside the others, each given its author's priors alone and with evidence:
    """)
    return after, before, paragraph


@app.cell
def _(Figure, event, meanings, tables, views):
    figure = Figure(figsize=(9, 7), layout="constrained")
    ax = figure.add_subplot()
    names = list(views)
    for shift, given, marker, color in (
        (-0.15, "priors", "s", "#E69F00"),
        (0.15, "evidence", "o", "#0072B2"),
    ):
        points = {
            names.index(name): table.sel(event=event)
            for (name, each), table in tables.items()
            if each == given
        }
        ax.errorbar(
            [100 * point.p.item() for point in points.values()],
            [place + shift for place in points],
            xerr=[196 * point.mcse.item() for point in points.values()],
            fmt=marker,
            color=color,
            label="author's priors" if given == "priors" else "priors and evidence",
        )
    ax.set_yticks(range(len(names)), [views[name].label for name in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.set_xlim(0, 100)
    ax.set_xlabel(f"P({event}), per cent; bars are 95 % of the Monte Carlo error")
    ax.grid(axis="y", alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    figure.suptitle(meanings[event])
    figure
    return (figure,)


if __name__ == "__main__":
    app.run()

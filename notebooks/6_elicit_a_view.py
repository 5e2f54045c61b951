import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium")


@app.cell(hide_code=True)
def _(mo):
    mo.md(r"""
    # How do I turn what I believe into a view?

    Nobody believes a log-normal. People state a middle and two ends, or an interval and how sure they are of
    it, or they lay chips on a grid. This notebook turns an example of each into a prior, joins two of them by
    a correlation, compares every prior with the author's whose view it starts from, and ends with a view: its
    credences beside the author's, and its file.

    The beliefs below are an example. Put your own in their place and run the cells again.
    """)


@app.cell
def _():
    import tempfile
    from dataclasses import replace
    from pathlib import Path

    import marimo as mo
    import numpy as np
    import pandas as pd
    import preliz as pz
    from matplotlib.figure import Figure

    import sie
    from sie.data.wording import prior_in_words

    pd.set_option("display.max_colwidth", None)  # meanings in full
    return Figure, Path, mo, np, pd, prior_in_words, pz, replace, sie, tempfile


@app.cell
def _(sie):
    author = sie.read_view("davidson_2025")
    draws = 4000  # in all four chains
    seed = 1
    evidence = sie.read_evidence()
    return author, draws, evidence, seed


@app.cell(hide_code=True)
def _(author, mo):
    mo.md(f"""
    ## Whose view do I start from?

    {author.label}. Where I have no opinion, the author's prior stays.

    ## A middle and two ends

    `r_typical` is `r` of a typical software domain. The example states a middle value, which `r` is equally
    likely to exceed or not, and two ends, each of which `r` lies beyond with a chance of one in twenty. The
    two sides need not be equally long.
    """)


@app.cell
def _(sie):
    r_typical = sie.quantiles(0.7, 1.3, 2.8)
    return (r_typical,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## An interval and how sure I am of it

    Better software makes AI smarter, which multiplies `r` by `capabilities`. The example is four fifths sure
    of an interval. Of all log-normals that give the interval this probability, PreliZ's `maxent` takes the
    one with the greatest entropy, which assumes the least beyond it. `sie.lognormal` has its two outer
    quantiles.
    """)


@app.cell
def _(np, pz, sie):
    widest = pz.LogNormal()
    with np.errstate(invalid="ignore"):  # its search tries parameters without end, and then leaves them
        pz.maxent(widest, lower=1.4, upper=2.8, mass=0.8, plot=False)
    capabilities = sie.lognormal(*widest.ppf([0.05, 0.95]).round(3))
    return capabilities, widest


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Chips on a grid

    In Jupyter, with `ipywidgets` and `ipympl` installed and `%matplotlib widget` run, this opens a grid to lay chips on;
    `roulette.inputs` then has the middles of the columns that have chips and the share of the chips on each:

    ```python
    roulette = pz.Roulette(x_min=1, x_max=4, nrows=10, ncols=6, dist_names=["LogNormal"])
    ```

    The chips laid are recorded here as data. A log-normal is fitted to them as if each chip were a draw.
    """)


@app.cell
def _(np, pz, sie):
    columns = np.array([1.25, 1.75, 2.25, 2.75, 3.25, 3.75])  # the middles, for post_training
    chips = np.array([9, 6, 3, 1, 1, 0])
    laid = pz.LogNormal()
    pz.mle([laid], np.repeat(columns, chips), plot=False)
    post_training = sie.lognormal(*laid.ppf([0.05, 0.95]).round(3))
    return chips, columns, laid, post_training


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## Correlated beliefs

    If I am wrong about how much smarter software makes AI, I am probably wrong in the same direction about
    gains after training. A rank correlation says so without changing either prior. `view.replace` leaves
    the author's view as it was.
    """)


@app.cell
def _(author, capabilities, post_training, r_typical, replace):
    beliefs = author.replace(
        r_typical=r_typical,
        capabilities=capabilities,
        post_training=post_training,
        correlations={("capabilities", "post_training"): 0.4},
    )
    mine = replace(beliefs, name="mine", label="An example")
    changed = [name for name in mine.entries if mine[name].prior != author[name].prior]
    return beliefs, changed, mine


@app.cell
def _(author, changed, mine, pd, prior_in_words):
    priors = pd.DataFrame(
        {
            name: {
                "mine": prior_in_words(mine[name].prior),
                "the author's": prior_in_words(author[name].prior),
                "my median": mine[name].prior.median(),
                "the author's median": author[name].prior.median(),
            }
            for name in changed
        }
    ).T
    priors
    return (priors,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    Does that look like what I believe? Solid is mine, dashed the author's. If a picture looks wrong,
    correct the numbers above.
    """)


@app.cell
def _(Figure, author, changed, mine, sie):
    pictures = Figure(figsize=(9, 4.5 * len(changed)), layout="constrained")
    for place, quantity in zip(pictures.subplots(len(changed)), changed, strict=True):
        sie.plot_prior(mine, quantity, beside=author, ax=place)
    pictures
    return (pictures,)


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## What follows from it?

    Both views are updated on the same evidence, less what the author's own priors rest on.
    """)


@app.cell
def _(author, draws, evidence, mine, seed, sie):
    trees = {
        label: sie.fit(sie.build(sie.usable(evidence, view), view), seed=seed, draws=draws, groups=[])
        for label, view in (("mine", mine), ("the author's", author))
    }
    tables = {
        (label, group): sie.credences(sie.simulate(tree[group]))
        for label, tree in trees.items()
        for group in ("prior", "posterior")
    }
    return tables, trees


@app.cell
def _(np, trees):
    scores = {
        group: np.corrcoef(
            [
                trees["mine"][group][name].values.ravel().argsort().argsort()
                for name in ("capabilities", "post_training")
            ]
        )[0, 1]
        for group in ("prior", "posterior")
    }
    return (scores,)


@app.cell(hide_code=True)
def _(mo, scores):
    mo.md(f"""
    The rank correlation of the draws is {scores["prior"]:.2f} before evidence, as requested up to
    sampling error, and {scores["posterior"]:.2f} after it.

    ## The file

    `sie.to_toml` writes the view as a file. Priors changed here have the basis `ours`; state where each
    number comes from in its `locator` and `note`. `sie check FILE` reads it, and so does every other command.
    """)


@app.cell
def _(Path, mine, sie, tempfile):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mine.toml"
        file.write_text(sie.to_toml(mine), encoding="utf-8")
        text, again = file.read_text(encoding="utf-8"), sie.read_view(str(file))
    is_same = again.entries == mine.entries and again.correlations == mine.correlations
    return again, is_same, text


@app.cell(hide_code=True)
def _(changed, is_same, mo, text):
    mo.md(
        f"Read back, the view is {'the same' if is_same else 'another'}. Its table of `{changed[0]}`:\n\n```toml\n"
        + f"[{changed[0]}]{text.partition(f'[{changed[0]}]')[2].partition(chr(10) + '[')[0]}\n```"
    )


@app.cell
def _(pd, tables):
    credences = pd.DataFrame(
        {f"{label}, {group}": table.p.to_series() for (label, group), table in tables.items()}
    )
    credences["largest mcse"] = pd.DataFrame(
        {key: table.mcse.to_series() for key, table in tables.items()}
    ).max(axis=1)
    credences["meaning"] = next(iter(tables.values())).wording.to_series()
    credences.round(3)
    return (credences,)


@app.cell
def _(credences):
    first = credences.loc["r_above_1"]
    conclusion = (
        f"With these beliefs P(r at ASARA > 1) is {100 * first['mine, prior']:.0f} % before evidence and"
        + f" {100 * first['mine, posterior']:.0f} % after it; with the author's"
        + f" {100 * first["the author's, prior"]:.0f} and {100 * first["the author's, posterior"]:.0f} %."
    )
    return conclusion, first


@app.cell(hide_code=True)
def _(conclusion, mo):
    mo.md(f"""
    ## So

    **{conclusion}**
    """)


@app.cell
def _(Figure, sie, trees):
    figure = Figure(figsize=(9, 9), layout="constrained")
    for ax, (label, tree) in zip(figure.subplots(2, sharex=True), trees.items(), strict=True):
        sie.plot_r(tree.prior, tree.posterior, ax=ax, title=f"r at ASARA, priors: {label}")
    figure
    return (figure,)


if __name__ == "__main__":
    app.run()

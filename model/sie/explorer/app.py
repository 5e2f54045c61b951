"""The explorer, a marimo app: `sie explore` serves it. Its cells call functions of the modules beside it.

marimo runs this file as a script, in which imports must be absolute.
"""

import marimo

app = marimo.App(width="full", app_title="sie explorer", css_file="style.css")


@app.cell
def setup():
    import marimo as mo

    from sie.explorer import files, panels, session, state, tables
    from sie.explorer.following import Following, follow, follow_figures

    desk, history, following = session.desk(), session.History(), Following()
    return desk, files, follow, follow_figures, following, history, mo, panels, session, state, tables


@app.cell
def opening(desk, mo, session):
    get_start, set_start = mo.state(session.opening(desk, mo.query_params().to_dict()), allow_self_loops=True)
    get_settled, set_settled = mo.state(0)
    return get_settled, get_start, set_settled, set_start


@app.cell
def lasting(desk, panels):
    compared, event = panels.second_view(desk), panels.tornado_event()
    return compared, event


@app.cell
def choices(compared, desk, event, get_start, history, mo, panels, set_start):
    chosen = panels.choices(desk, get_start()[0], history, set_start)
    mo.Html(panels.header(chosen, compared, event, get_start()[1]))
    return (chosen,)


@app.cell
def inputs(desk, get_start, history, mo, panels, set_start):
    start = history.now = get_start()[0]
    sliders = mo.ui.dictionary(panels.sliders(start))
    slides = {name: f"{slider}" for name, slider in sliders.items()}
    rows = mo.ui.dictionary(panels.row_switches(start, desk.evidence))
    levels = mo.ui.dictionary(panels.level_choices(start, desk.evidence, desk.levels))
    switches = {name: f"{switch}" for name, switch in rows.items()}
    level_fields = {name: f"{field}" for name, field in levels.items()}
    forms = panels.forms(start, set_start, history)
    return forms, level_fields, levels, rows, sliders, slides, start, switches


@app.cell
def second(compared, desk, levels):
    other = None
    if compared.value:
        other = desk.bench.answer(desk.views[compared.value], levels=desk.chosen(levels.value))
    return (other,)


@app.cell
def numbers(desk, following, get_settled, history, levels, mo, other, rows, session, sliders, start, tables):
    get_settled()
    following.standing.pause()
    refused = session.edit(desk, history, start, sliders=sliders.value, rows=rows.value, levels=levels.value)

    def show(answer, message, stale=False):
        return mo.Html(
            tables.numbers(
                answer, start.author, other=other, message=message, edit=history.edits, stale=stale
            )
        )

    answer, problem = session.answered(
        desk.bench, history, stale=lambda old, why: mo.output.replace(show(old, why, stale=True))
    )
    following.standing.show(answer)
    show(answer, problem or refused)
    return


@app.cell
def tornado(event, following):
    following.standing.choose(event.value)
    return


@app.cell
def priors(desk, follow, following, forms, history, mo, panels, slides):
    def priors_html(state):
        return panels.priors(state, slides, forms, desk.works)

    priors_first = history.now
    follow(following, lambda: history.now, priors_html, shown=priors_first)
    mo.Html(priors_html(priors_first))
    return


@app.cell
def evidence(desk, follow, following, history, level_fields, mo, panels, switches):
    def evidence_html(counted):
        return panels.evidence(desk.evidence, *counted, switches, level_fields, desk.works)

    evidence_first = history.counted
    follow(following, lambda: history.counted, evidence_html, shown=evidence_first)
    mo.Html(evidence_html(evidence_first))
    return


@app.cell
def pictures(desk, follow_figures, following, mo, panels, set_settled):
    follow_figures(
        following,
        desk.bench,
        desk.painters,
        panels.figures,
        settle=lambda: set_settled(lambda count: count + 1),
    )
    mo.Html(panels.figures({}))
    return


@app.cell
def saving(desk, event, files, history, mo, panels, set_start):
    downloads = files.downloads(desk, history, event.value)
    upload = files.upload(desk, set_start, history)
    mo.Html(panels.saving(downloads, upload))
    return downloads, upload


@app.cell
def address(desk, follow, following, history, mo, panels, start, state):
    def address_html(now):
        state.write_query(mo.query_params(), now)
        return panels.command(desk, now)

    follow(following, lambda: history.now, address_html, shown=start)
    mo.Html(address_html(start))
    return


@app.cell
def equations(mo, panels):
    mo.Html(panels.equations())
    return


if __name__ == "__main__":
    app.run()

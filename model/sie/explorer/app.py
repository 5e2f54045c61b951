"""The explorer, a marimo app: `sie explore` serves it. Its cells call functions of the modules beside it."""

import marimo

app = marimo.App(width="full", app_title="sie explorer", css_file="style.css")


@app.cell
def setup():
    import marimo as mo

    from sie.explorer import controls, files, panels, session, state, tables

    desk, history = session.desk(), session.History()
    return controls, desk, files, history, mo, panels, session, state, tables


@app.cell
def opening(desk, mo, session):
    get_start, set_start = mo.state(session.opening(desk, mo.query_params().to_dict()), allow_self_loops=True)
    get_counted, set_counted = mo.state(((), ()))
    get_drawn, set_drawn = mo.state({})
    get_moved, set_moved = mo.state(0)
    get_settled, set_settled = mo.state(0)
    return (
        get_counted,
        get_drawn,
        get_moved,
        get_settled,
        get_start,
        set_counted,
        set_drawn,
        set_moved,
        set_settled,
        set_start,
    )


@app.cell
def choices(desk, get_start, history, mo, panels, set_start):
    chosen = panels.choices(desk, get_start()[0], history, set_start)
    compared, event = chosen.pop("compare with"), chosen.pop("event")
    mo.Html(panels.header(chosen, compared, event, get_start()[1]))
    return chosen, compared, event


@app.cell
def inputs(desk, get_start, history, mo, panels, set_start):
    start = history.now = get_start()[0]
    sliders = mo.ui.dictionary(panels.sliders(start))
    slides = {name: f"{slider}" for name, slider in sliders.items()}
    rows = mo.ui.dictionary(panels.row_switches(start, desk.evidence))
    levels = mo.ui.dictionary(panels.level_choices(start, desk.evidence, desk.levels))
    forms = panels.forms(start, set_start, history)
    return forms, levels, rows, sliders, slides, start


@app.cell
def edit(controls, desk, history, levels, rows, sliders, start, state):
    now, refused = controls.priors_of(start, sliders.value)
    now = now.reflecting(tuple(row for row, counts in rows.value.items() if not counts))
    now = now.at_levels(desk.chosen(levels.value))
    history.note(now)
    view = state.edited(now)
    return now, refused, view


@app.cell
def second(compared, desk, levels):
    other = None
    if compared.value:
        other = desk.bench.answer(desk.views[compared.value], levels=desk.chosen(levels.value))
    return (other,)


@app.cell
def numbers(desk, get_settled, history, mo, now, other, refused, session, set_counted, tables, view):
    get_settled()

    def show(answer, message, stale=False):
        return mo.Html(
            tables.numbers(answer, now.author, other=other, message=message, edit=history.edits, stale=stale)
        )

    answer, problem = session.answered(
        desk.bench,
        view,
        history,
        levels=now.levels,
        stale=lambda old, why: mo.output.replace(show(old, why, stale=True)),
        counted=set_counted,
    )
    show(answer, problem or refused)
    return (answer,)


@app.cell
def priors(desk, forms, get_moved, history, mo, panels, slides):
    get_moved()  # neither sliders nor edits: they would hold up the numbers
    mo.Html(panels.priors(history.now, slides, forms, desk.works))
    return


@app.cell
def evidence(desk, get_counted, levels, mo, panels, rows):
    mo.Html(panels.evidence(desk.evidence, *get_counted(), rows, levels, desk.works))
    return


@app.cell
def following(answer, desk, event, mo, session, set_drawn, set_moved, set_settled):
    mo.Thread(
        target=session.follow,
        args=(desk.bench, answer, event.value),
        kwargs={"moved": set_moved, "drawn": set_drawn, "settle": set_settled},
        daemon=True,
    ).start()
    return


@app.cell
def pictures(get_drawn, mo, panels):
    mo.Html(panels.figures(get_drawn()))
    return


@app.cell
def saving(desk, event, files, history, mo, panels, set_start):
    downloads = files.downloads(desk, history, event.value)
    upload = files.upload(desk, set_start, history)
    mo.Html(panels.saving(downloads, upload))
    return downloads, upload


@app.cell
def address(desk, mo, now, panels, state, view):
    state.write_query(mo.query_params(), now)
    mo.Html(panels.command(desk, view, now.levels))
    return


@app.cell
def equations(mo, panels):
    mo.Html(panels.equations())
    return


if __name__ == "__main__":
    app.run()

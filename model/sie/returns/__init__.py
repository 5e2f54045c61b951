"""The model of r: which rows may update a view, what each row is to the model, the PyMC model and its fast log density."""

"""What every room may use and nothing that knows the project's data: exceptions, files, readers of text and TOML, tasks on a
cluster, compiled kernels, convergence statistics."""

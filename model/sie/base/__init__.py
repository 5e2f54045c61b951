"""What every room may use and nothing that knows the project's data: exceptions, files, readers of text, TOML and JSON, tasks on a
cluster, compiled kernels, convergence statistics."""

"""Growth after ASARA: the law, paths of many draws, clocks and events. Exact integration, no samplers."""

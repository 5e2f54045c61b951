"""What drives an answer: variance shares, tornado, expected movement, Shapley effects, crossings, power scaling."""

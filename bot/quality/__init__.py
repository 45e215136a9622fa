"""How good the answers are: measuring, explaining, fitting."""

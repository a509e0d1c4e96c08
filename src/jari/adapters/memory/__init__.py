"""Every store once more, in the memory of one process: for trying jari, for tests and for simulations."""

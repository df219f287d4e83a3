"""The models of numpy_nets in Keras, and the proof that both compute the same.

`models` has the twins, the same text below the imports; `weights` copies weights both ways;
`parity` is the list of comparisons that the tests check and `python -m keras_ref.parity` prints.
"""

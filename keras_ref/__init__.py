"""The models of numpy_nets in Keras, and the proof that both compute the same numbers.

`models` holds the twins, with the text of numpy_nets/models below the imports; `weights` copies
weights in both directions; `parity` is the list of comparisons that the tests check and that
`python -m keras_ref.parity` prints.
"""

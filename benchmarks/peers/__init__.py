"""The competitors, one file each; only its own process loads it.

A peer has `describe()`, its version and threads; `VARIANTS`, the ways in which it can work, each
with the workloads that it does so; `MAY_FAIL`, those of its variants that do not work everywhere;
and a function for each workload, (work, variant) -> a function that does one round and returns a
number to compare. That number is the mean loss of the round's steps (of a GAN, the losses of D and
of G together), Adam's mean |w| in the end, and the sum of what was differentiated elsewhere.
"""

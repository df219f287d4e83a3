"""The models in Keras: one file each, the same text as its twin in numpy_nets below the imports."""

"""The models in Keras: one file each, with the text of its twin in numpy_nets below the imports."""

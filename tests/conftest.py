"""Tests run on GANLAB_TEST_BACKEND (TensorFlow), whatever ~/.keras/keras.json says; the first test that needs Keras loads it."""

import os

os.environ["KERAS_BACKEND"] = os.environ.get("GANLAB_TEST_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

"""To other libraries and back: Keras models and callbacks, SciKeras, ONNX."""

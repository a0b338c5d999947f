# Writes types.onnx, one initializer of each type of number and of each way to store them: python make_onnx.py (onnx 1.23). Run it in this
# folder.
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

tensors = [helper.make_tensor("typed.float32", TensorProto.FLOAT, [2, 2], [0, 0.5, 1, 1.5]),
           helper.make_tensor("typed.float64", TensorProto.DOUBLE, [2], [0, 0.5]),
           helper.make_tensor("typed.int64", TensorProto.INT64, [3], [-1, 0, 1 << 40]),
           helper.make_tensor("typed.int32", TensorProto.INT32, [2], [-1, 7]),
           helper.make_tensor("typed.float16", TensorProto.FLOAT16, [2], [0.5, -2]),
           helper.make_tensor("typed.bfloat16", TensorProto.BFLOAT16, [2], [0.5, -2]),
           helper.make_tensor("scalar", TensorProto.FLOAT, [], [2.5])]
for kind in ["float16", "float32", "float64", "int64", "int32", "int16", "int8", "uint8", "bool"]:
    tensors.append(numpy_helper.from_array(np.arange(4).reshape(2, 2).astype(kind), "raw." + kind))
node = helper.make_node("Identity", ["x"], ["y"])
x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in "xy")
onnx.save(helper.make_model(helper.make_graph([node], "types", [x], [y], tensors)), "types.onnx")

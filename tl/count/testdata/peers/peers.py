"""What torchinfo and Keras's summary() say about known networks, layer by layer, for ../../peers_test.go.

    PYTHONPATH=<torchinfo, efficientnet_lite_pytorch> python3 peers.py torchinfo    # with torch and torchvision
    python3 peers.py keras                                                           # with Keras and TensorFlow

Each run writes its files anew, beside this one. No weights are fetched: only shapes and numbers are read. Written with torch 1.13.1,
torchvision 0.14.1 (both Debian 12), torchinfo 1.8.0 and efficientnet_lite_pytorch 0.1.0; and with Keras 3.15.1 on tensorflow-cpu 2.21.0. The
versions that really ran stand in the files.
"""
import json
import os
import pathlib
import re
import sys

here = pathlib.Path(__file__).parent


def write(name, content, rows):
    """One row a line, so that a change can be read."""
    head = json.dumps(content, indent=1)[:-2]
    lines = ",\n".join("  " + json.dumps(row) for row in rows)
    (here / f"{name}.json").write_text(f'{head},\n "rows": [\n{lines}\n ]\n}}\n')
    print(name, len(rows), "rows")


def torch_class(module, kinds):
    """The name of PyTorch's own class: a network may pad in a class of its own."""
    return next(kind.__name__ for kind in kinds if isinstance(module, kind))


def torchinfo_rows(stats):
    """Every layer that does something, in the order in which it runs; shapes [n, c, h, w]."""
    import torch.nn as nn
    kinds = (nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.ReLU6, nn.ReLU, nn.MaxPool2d, nn.AdaptiveAvgPool2d, nn.Dropout)
    for info in stats.summary_list:
        if isinstance(info.module, kinds):
            path, at = info.var_name, info.parent_info
            while at is not None and at.depth > 0:
                path, at = f"{at.var_name}.{path}", at.parent_info
            yield {"name": path, "class": torch_class(info.module, kinds), "output": list(info.output_size),
                   "params": info.num_params, "mult_adds": info.macs}


def saved_bytes(model, side, batch):
    """Bytes that PyTorch keeps from the way forward for the way back in a training step, each storage once, parameters and buffers left out."""
    import torch
    own = {tensor.storage().data_ptr() for tensor in [*model.parameters(), *model.buffers()]}
    kept, alive = {}, []

    def pack(tensor):
        alive.append(tensor)  # or its address is given out again
        if tensor.storage().data_ptr() not in own:
            kept[tensor.storage().data_ptr()] = tensor.storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.train()(torch.zeros(batch, 3, side, side))
    return sum(kept.values())


def run_torchinfo():
    import torch
    import torchinfo
    import torchvision
    from efficientnet_lite_pytorch import EfficientNet
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "torchinfo": torchinfo.__version__,
                "efficientnet_lite_pytorch": "0.1.0"}
    models = {name: (getattr(torchvision.models, name)(), 224) for name in ("vgg16", "resnet18", "resnet50", "mobilenet_v2")}
    for i, side in enumerate((224, 240, 260)):
        models[f"efficientnet_lite{i}"] = (EfficientNet.from_name(f"efficientnet-lite{i}"), side)
    for name, (model, side) in models.items():
        stats = torchinfo.summary(model.eval(), input_size=(1, 3, side, side), verbose=0, depth=20)
        saved = {} if name.startswith("efficientnet") else {"saved_batch": 2, "saved_bytes": saved_bytes(model, side, 2)}
        write(f"torchinfo_{name}", {"by": "torchinfo", "versions": versions, "model": name, "input": [1, 3, side, side],
                                    "total": stats.total_params, "trainable": stats.trainable_params, "mult_adds": stats.total_mult_adds,
                                    "output_bytes": stats.total_output_bytes, "param_bytes": stats.total_param_bytes, **saved},
              list(torchinfo_rows(stats)))


def run_keras():
    os.environ["COLUMNS"] = "220"  # or the table is cut off at 80
    import keras
    import tensorflow
    versions = {"keras": keras.__version__, "tensorflow": tensorflow.__version__}
    models = {"vgg16": keras.applications.VGG16, "mobilenet_v2": keras.applications.MobileNetV2,
              "inception_v3": keras.applications.InceptionV3}
    for name, build in models.items():
        keras.backend.clear_session()  # numbers of names start over
        model = build(weights=None)
        printed = []
        model.summary(line_length=220, print_fn=lambda text, **_: printed.append(text))
        text = "\n".join(printed)
        rows = []
        for line in text.splitlines():
            found = re.match(r"│ (\S+) \((\w+)\)\s*│ \((.*?)\)\s*│\s*([\d,]+) │", line)
            if found:
                shape = [int(n) for n in found[3].replace("None,", "").split(",") if n.strip()]
                rows.append({"name": found[1], "class": found[2], "output": shape, "params": int(found[4].replace(",", ""))})
        totals = {key: int(re.search(rf"{label} params: ([\d,]+)", text)[1].replace(",", ""))
                  for key, label in (("total", "Total"), ("trainable", " Trainable"), ("non_trainable", "Non-trainable"))}
        assert sum(row["params"] for row in rows) == totals["total"] and len(rows) == len(model.layers), (len(rows), len(model.layers))
        write(f"keras_{name}", {"by": "keras", "versions": versions, "model": name, "input": list(model.input_shape[1:]), **totals}, rows)


{"torchinfo": run_torchinfo, "keras": run_keras}[sys.argv[1]]()

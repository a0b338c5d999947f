# Writes small.onnx, a residual network with seeded random weights, folded.onnx, the same with batch norm folded into the convolutions,
# last.onnx, the same for images whose channels stand last, and small.json, PyTorch's outputs behind layer2, the pool and the classifier,
# and of the gradients of half the sum of the logits' squares with respect to each weight its length and its product with
# ((37 i mod 101) - 50) / 50: python3 make.py (PyTorch 1.13; its exporter needs nothing else). Run it in this folder.
import json

import torch
from torch import nn

torch.manual_seed(1)


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + x)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU6(), nn.MaxPool2d(3, 2, 1))
        self.layer1 = Block(8)
        self.layer2 = nn.Sequential(nn.Conv2d(8, 12, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(12), nn.Hardtanh(-1, 1), Block(12))
        self.fc = nn.Linear(12, 5)

    def cuts(self, x):
        stem = self.stem(x)
        one = self.layer1(stem)
        two = self.layer2(one)
        pooled = torch.flatten(nn.functional.adaptive_avg_pool2d(two, 1), 1)
        return [two, pooled, self.fc(pooled)]

    def forward(self, x):
        return self.cuts(x)[-1]


net = Small().eval()
for m in net.modules():  # averages that are not 0 and 1
    if isinstance(m, nn.BatchNorm2d):
        m.running_mean.uniform_(-0.5, 0.5)
        m.running_var.uniform_(0.5, 2)
        m.weight.data.uniform_(0.5, 1.5)
        m.bias.data.uniform_(-0.5, 0.5)
# [n, h, w, c], as the lab has it: ((37 i mod 101) - 50) / 50
x = (((torch.arange(2 * 32 * 32 * 3) * 37) % 101 - 50) / 50).reshape(2, 32, 32, 3).permute(0, 3, 1, 2)
# PRESERVE: in its default mode the exporter folds batch norm into the convolutions.
torch.onnx.export(net, x, "small.onnx", opset_version=13, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                  input_names=["image"], output_names=["logits"], dynamic_axes={"image": {0: "n"}, "logits": {0: "n"}})
torch.onnx.export(net, x[:1], "folded.onnx", opset_version=13, input_names=["image"], output_names=["logits"])


class Last(nn.Module):
    """Takes [n, h, w, c], as networks that Keras exports do."""

    def __init__(self):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x.permute(0, 3, 1, 2))


torch.onnx.export(Last().eval(), x[:1].permute(0, 2, 3, 1), "last.onnx", opset_version=13, input_names=["image"], output_names=["logits"])
outputs = net.cuts(x)
(outputs[-1] ** 2).sum().div(2).backward()
gradients = {}
for name, p in net.named_parameters():
    g = p.grad.flatten().double()
    gradients[name] = [float("%.7g" % v) for v in (g.norm(), (g * ((torch.arange(len(g)) * 37) % 101 - 50) / 50).sum())]
json.dump({"outputs": [[float("%.7g" % v) for v in o.flatten().tolist()] for o in outputs], "shapes": [list(o.shape) for o in outputs],
           "gradients": gradients},
          open("small.json", "w"))

"""torchvision.transforms.Resize and CenterCrop on small pictures, by Pillow.

Writes resize.json: cases[]: { name, width, height, resize, crop: [h, w], pixels: [h * w * 3] }; the picture is red 4x, green 3y and blue a
checkerboard of 5 pixels with sides of 40 and 200, smooth enough that filters differ little.
"""
import numpy as np
from PIL import Image
from torchvision import transforms

from common import write_json

cases = []
for name, width, height, resize, crop in [
    ('smaller', 60, 40, 24, [20, 24]), ('upright, an odd margin', 41, 63, 33, [32, 33]), ('larger', 20, 16, 24, [24, 24]),
    ('much smaller', 60, 60, 9, [7, 8]),
]:
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([4 * x, 3 * y, np.where((x // 5 + y // 5) % 2 == 0, 40, 200)], 2).astype(np.uint8)
    both = transforms.Compose([transforms.Resize(resize), transforms.CenterCrop(crop)])
    pixels = np.asarray(both(Image.fromarray(picture))).flatten().tolist()
    cases.append({'name': name, 'width': width, 'height': height, 'resize': resize, 'crop': crop, 'pixels': pixels})
write_json('resize.json', {'cases': cases})

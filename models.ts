/** The models, one by one, so that an app takes along those that it names: `import { resnet20 } from 'descent-gpu/models'`. */
export { airbench } from './models/airbench.ts';
export { alexnet, alexnetCifar } from './models/alexnet.ts';
export { densenet121 } from './models/densenet.ts';
export { efficientnetB0 } from './models/efficientnet.ts';
export { enresnet20 } from './models/enresnet.ts';
export { googlenet } from './models/googlenet.ts';
export { inceptionV3 } from './models/inception.ts';
export { models } from './models/index.ts';
export { lenet5 } from './models/lenet.ts';
export { mlp } from './models/mlp.ts';
export { mobilenetV2 } from './models/mobilenet.ts';
export type { Model, ModelInput } from './models/model.ts';
export { plain20, plain32, plain44, plain56 } from './models/resnet-cifar.ts';
export { resnet110, resnet110sd, resnet1202, resnet20, resnet32, resnet44, resnet56 } from './models/resnet-cifar.ts';
export { resnet101, resnet152, resnet18, resnet34, resnet50, resnext29 } from './models/resnet.ts';
export { squeezenet } from './models/squeezenet.ts';
export { vgg11, vgg11bn, vgg13, vgg13bn, vgg16, vgg16bn, vgg19, vgg19bn, vggSmall } from './models/vgg.ts';
export { wideResnet16x4, wideResnet28x10 } from './models/wide-resnet.ts';

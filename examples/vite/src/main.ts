/** A net of one's own learns canvas images, is kept in the browser, and answers again after the page is loaded anew. */
import { conv2d, dense, fit, maxPool, openDevice, Predictor, relu, sequential, type Model } from 'descent-gpu';
import { drawing, drawings, KINDS, labels, onPress, showAnswer, showLoss } from './drawings.ts';

const net: Model = ({ classes }) =>
  sequential({
    conv1: conv2d(8, 3),
    act1: relu(),
    pool1: maxPool(2),
    conv2: conv2d(16, 3),
    act2: relu(),
    pool2: maxPool(2),
    fc: dense(classes),
  });

async function trained(): Promise<Predictor> {
  const run = fit(net, { images: drawings, labels }, { epochs: 6, batchSize: 32, logEvery: 1, optimizer: 'adam:lr=0.003' });
  for await (const event of run) if (event.type === 'step') showLoss(`step ${event.step}: loss ${event.loss.toFixed(3)}`);
  const model = await run.model;
  await model.save('indexeddb://drawings');
  return model;
}

const kept = Predictor.open(await openDevice(), 'indexeddb://drawings', { model: net });
const model = await kept.catch(trained); // there is none at the first visit
onPress('train', trained);
onPress('download', () => model.save('drawings.safetensors'));
for (const image of KINDS.map(drawing)) {
  const [answer] = await model.predict(image, { top: 1 });
  showAnswer(image, answer!);
}

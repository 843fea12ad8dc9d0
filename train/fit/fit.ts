/** Trains a model: what a program calls. */
import { check } from '../../engine/check.ts';
import { sharedDevice } from '../../engine/open.ts';
import { Predictor } from '../evaluate/predictor.ts';
import type { Ended, Run, RunEvent } from './events.ts';
import { checkOptions, ownParts, type FitOptions } from './options.ts';
import { RemoteTraining } from './remote.ts';
import { StartedRun } from './run.ts';
import { LocalTraining, modelOf, type FitData, type FitModel } from './training.ts';

/**
 * Trains a model on data and returns at once: events, results and the trained model come from the run. `data` are images and labels (see
 * Samples), a Dataset, or the name of one. Options are those of `descent train` by their keys; batches are of 64 images, or all of fewer, and
 * a tenth of the images is held out for validation. An option that does not exist throws at once; whatever else is wrong rejects `done`.
 *
 *     const run = fit('lenet5', { images, labels }, { epochs: 10 });
 *     for await (const event of run) if (event.type === 'epoch') console.log(event.train.loss);
 *     const [answer] = await (await run.model).predict(picture);
 */
export function fit(model: FitModel, data: FitData, options: FitOptions = {}): Run {
  checkOptions(options);
  const training = goesToWorker(model, options)
    ? new RemoteTraining(model as string | URL, data, options)
    : new LocalTraining(model, data, options);
  const onEvent = (event: RunEvent) => tell(event, options);
  return new StartedRun(training, { onEvent, signal: options.signal }, ended => predictorOf(ended, model, options));
}

/** Whether a run trains in a worker. Throws where it is to and cannot. */
function goesToWorker(model: FitModel, options: FitOptions): boolean {
  const { worker, device } = options;
  const isPage = typeof Worker === 'function' && typeof document !== 'undefined';
  if (worker === false || (!isPage && !worker)) return false;
  check(isPage, 'worker: there is no page here that would wait', 'leave it out');
  const stays = typeof model === 'function' ? 'model' : device ? 'device' : Object.keys(ownParts(options))[0];
  check(!worker || !stays, `worker: the run cannot train in one, its ${stays} stays in this thread`, 'leave out worker', 'give a name');
  return !stays;
}

/** Tells a handler, and gives what that returns. */
function tell(event: RunEvent, { onStep, onEpoch, onCheckpoint, onWarning = console.warn }: FitOptions): unknown {
  if (event.type === 'step') return onStep?.(event);
  if (event.type === 'epoch') return onEpoch?.(event);
  if (event.type === 'checkpoint') return onCheckpoint?.(event);
  return onWarning(event.message);
}

async function predictorOf({ images, weights }: Ended, given: FitModel, { device }: FitOptions): Promise<Predictor> {
  const model = await modelOf(given);
  return Predictor.create({ ...images, model, weights, device: device ?? (await sharedDevice()) });
}
